"""cloud-init's configuration: what wins, where it stands, and YAML that means harm."""

from __future__ import annotations

from typing import Any

import pytest

from amigate.check import InconclusiveError
from amigate.facts.cloud_config import NEEDS, CloudConfig

MAIN = "/etc/cloud/cloud.cfg"
PART = "/etc/cloud/cloud.cfg.d/{}.cfg"


def test_a_later_file_wins_and_mappings_are_merged(at_rest: Any) -> None:
    view = at_rest(
        {
            MAIN: "disable_root: true\nusers:\n - default\n"
            "system_info:\n  default_user:\n    name: bob\n    sudo: [x]\n",
            PART.format("05_a"): "disable_root: false\nssh_pwauth: true\n",
            PART.format("90_b"): "# comment\nssh_pwauth: 0\nsystem_info:\n  default_user:\n    lock_passwd: false\n",
            "/etc/cloud/cloud.cfg.d/README": "ssh_pwauth: true\n",
        },
        NEEDS,
    )
    config = CloudConfig.read(view)
    assert config.value("ssh_pwauth") == 0
    assert config.value("disable_root") is False
    assert config.value("users") == ["default"]
    assert config.value("system_info", "default_user") == {"name": "bob", "sudo": ["x"], "lock_passwd": False}
    assert config.origin(("ssh_pwauth",)) == (PART.format("90_b"), 2)
    assert config.origin(("system_info", "default_user", "name")) == (MAIN, 6)
    assert config.origin(("system_info", "default_user", "sudo", 0)) == (MAIN, 7)
    assert config.origin(("system_info", "default_user", "lock_passwd")) == (PART.format("90_b"), 5)
    assert config.origin(("nothing",)) == ("", None)
    assert config.files == (PART.format("90_b"), PART.format("05_a"), MAIN)


def test_a_list_is_replaced_whole(at_rest: Any) -> None:
    view = at_rest({MAIN: "users: [default, bob]\n", PART.format("1"): "users: [eve]\n"}, NEEDS)
    assert CloudConfig.read(view).value("users", 0) == "eve"
    assert CloudConfig.read(view).value("users", 1) is None


def test_an_image_without_cloud_init_has_no_configuration(at_rest: Any) -> None:
    assert CloudConfig.read(at_rest({}, NEEDS)).files == ()


def test_an_empty_file_says_nothing(at_rest: Any) -> None:
    assert CloudConfig.read(at_rest({MAIN: "# nothing\n", PART.format("x"): "a: 1"}, NEEDS)).merged == {"a": 1}


def test_passwords_are_found_by_their_key_and_never_shown(at_rest: Any) -> None:
    text = "chpasswd:\n  list: |\n    root:hunter2\nusers:\n  - name: bob\n    plain_text_passwd: hunter2\n"
    config = CloudConfig.read(at_rest({MAIN: text}, NEEDS))
    found = config.where(lambda keys, _: keys[-1] in ("list", "plain_text_passwd"), "is a password")
    assert [(each.subject, each.line) for each in found] == [("chpasswd.list", 2), ("users.0.plain_text_passwd", 6)]
    assert "hunter2" not in repr(config) + repr(found)


BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{b}: &{b} [*{a},*{a},*{a},*{a},*{a},*{a},*{a},*{a},*{a}]\n" for a, b in zip("abcdefghi", "bcdefghij", strict=True)
)
MERGES = "a: &a {k: v}\n" + "".join(
    f"{b}: &{b} {{<<: [*{a},*{a},*{a},*{a},*{a},*{a},*{a},*{a}]}}\n"
    for a, b in zip("abcdefghi", "bcdefghij", strict=True)
)


@pytest.mark.parametrize(
    "text",
    [
        BOMB,
        MERGES,
        "a: &a [*a]\n",
        "a: !!python/object/apply:os.system [id]\n",
        "a: !custom x\n",
        "? [a, b]\n: c\n",
        "- a list\n",
        "just text",
        "a: [unclosed\n",
        "a: b\n---\nc: d\n",
        "[" * 5000,
        "a: " + "1" * 5000,
        "a: 2024-99-99\n",
        "a: \x07\n",
        "merge_how: dict(replace)\na: b\n",
        "conf_d: /srv/elsewhere\n",
        "## template: jinja\nfqdn: {{ v1.local_hostname }}\n",
        b"a: \xff\n",
    ],
)
def test_yaml_that_cannot_be_read_safely_is_no_answer(at_rest: Any, text: str | bytes) -> None:
    view = at_rest({MAIN: "ssh_pwauth: false\n", PART.format("x"): text}, NEEDS)
    with pytest.raises(InconclusiveError):
        CloudConfig.read(view)


def test_a_few_aliases_are_no_bomb(at_rest: Any) -> None:
    view = at_rest({MAIN: "a: &x {k: v}\nb: *x\n", PART.format("x"): "a: {k: w}\n"}, NEEDS)
    assert CloudConfig.read(view).merged == {"a": {"k": "w"}, "b": {"k": "v"}}
