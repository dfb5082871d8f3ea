"""What is kept of cloud-init's configuration reads the same where rules look, on the same lines, without a secret."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from amigate.check import InconclusiveError
from amigate.evidence.keep import Keep
from amigate.evidence.model import View
from amigate.evidence.redaction.kept import is_placeholder
from amigate.facts.cloud_config import MAIN, NEEDS, CloudConfig

if TYPE_CHECKING:
    from collections.abc import Callable

    from amigate.evidence.redaction.redactor import Redactor

STOCK = """\
# hunter2 in a comment
users:
  - default
  - name: bob
    sudo: ["ALL=(ALL) NOPASSWD:ALL"]
    groups: [adm, "wheel, users"]
    lock_passwd: false
    plain_text_passwd: hunter2
    hashed_passwd: $6$saltsalt$hunter2
    ssh_authorized_keys:
      - ssh-ed25519 hunter2
disable_root: true
disable_root_opts: no-port-forwarding,command="hunter2",no-X11-forwarding
ssh_pwauth: unchanged
preserve_hostname: No
datasource_list: [ Ec2, None ]
chpasswd:
  expire: false
  list: |
    root:hunter2
    bob:hunter2
write_files:
  - path: /hunter2
    content: |
      hunter2
runcmd:
  - [sh, -c, "curl -u hunter2"]
cloud_init_modules:
  - migrator
  - [ssh, always]
  - hunter2
hunter2: {hunter2: 7}
system_info:
  default_user:
    name: admin
    shell: /bin/bash
    lock_passwd: True
    gecos: hunter2
  distro: hunter2
password: 1234567
"""


def config(kit: Any, text: str, redactor: Redactor | None) -> CloudConfig | None:
    entry = kit.file(MAIN, text.encode("utf-8", "surrogateescape"))
    seen = redactor.entry(entry, Keep.CLOUD_CONFIG) if redactor else entry
    try:
        return CloudConfig.read(
            View(entries={MAIN: seen}, globbed=frozenset(each.key for each in NEEDS.first if each.key != MAIN))
        )
    except InconclusiveError:
        return None


def test_judged_settings_are_kept_and_secrets_are_not(kit: Any, redactor: Redactor, kept: Callable[..., str]) -> None:
    text = kept(STOCK, Keep.CLOUD_CONFIG)
    assert not any(secret in text for secret in ("hunter2", "saltsalt", "1234567"))
    before, after = config(kit, STOCK, None), config(kit, STOCK, redactor)
    assert before is not None
    assert after is not None
    judged = [
        *((name,) for name in ("disable_root", "ssh_pwauth", "preserve_hostname", "datasource_list", "no_such_key")),
        *(("system_info", "default_user", name) for name in ("name", "shell", "lock_passwd", "groups")),
        *(("users", 1, name) for name in ("name", "sudo", "groups", "lock_passwd", "passwd")),
        ("users", 0), ("chpasswd", "expire"), ("cloud_init_modules", 0), ("cloud_init_modules", 1), ("ssh_deletekeys",),
    ]  # fmt: skip
    for keys in judged[:4] + judged[5:]:
        assert after.value(*keys) == before.value(*keys), keys
        assert after.origin(tuple(keys)) == before.origin(tuple(keys)), keys
    assert [(keys[0], after.origin(keys)) for keys, _ in after.walk()] == [
        ("(not-kept" if keys[0] == "hunter2" else keys[0], before.origin(keys))
        if keys[0] != "hunter2" else (next(key for key in after.merged if is_placeholder(key)), before.origin(keys))
        for keys, _ in before.walk()
    ]  # fmt: skip
    assert before.origin(("chpasswd", "list")) == after.origin(("chpasswd", "list")) == (MAIN, 19)
    assert after.merged["users"][1]["hashed_passwd"].startswith("$amigate$6$")
    assert after.merged["disable_root_opts"].startswith('no-port-forwarding,command="(not-kept-')


@pytest.mark.parametrize("keys", [("password",), ("no_such_key",), ("system_info", "distro"), ("runcmd", 0, 0)])
def test_what_is_not_kept_is_in_doubt_and_not_absent(kit: Any, redactor: Redactor, keys: tuple[str | int, ...]) -> None:
    found = config(kit, STOCK, redactor)
    assert found is not None
    with pytest.raises(InconclusiveError, match="kept"):
        found.value(*keys)


def test_what_cloud_init_forces_upon_root_is_kept(kept: Callable[..., str]) -> None:
    stock = (
        'no-port-forwarding,no-agent-forwarding,no-X11-forwarding,command="echo \'Please login as the user \\"$USER\\"'
        ' rather than the user \\"$DISABLE_USER\\".\';echo;sleep 10;exit 142"'
    )
    text = yaml.safe_dump({"disable_root_opts": stock})
    assert yaml.safe_load(kept(text, Keep.CLOUD_CONFIG)) == {"disable_root_opts": stock}


def test_a_value_that_several_places_refer_to_is_kept_in_none(kit: Any, redactor: Redactor) -> None:
    text = "user: &x hunter2\npassword: *x\nusers: &y [default]\nruncmd: *y\nssh_pwauth: false\n"
    before, after = config(kit, text, None), config(kit, text, redactor)
    assert before is not None
    assert after is not None
    assert after.value("ssh_pwauth") is False
    assert after.merged["user"] == after.merged["password"]
    assert "hunter2" not in repr(after.merged)
    assert "default" not in repr(after.merged)
    assert [after.origin(keys) for keys, _ in after.walk()] == [before.origin(keys) for keys, _ in before.walk()]


@pytest.mark.parametrize(
    "text", ["hunter2: [", "a: !!python/name:os.system hunter2", "a: !!bool hunter2", "{a: 1}\n---\n"]
)
def test_what_is_no_yaml_that_can_be_read_is_not_kept(text: str, is_withheld: Callable[..., bool], kit: Any) -> None:
    assert is_withheld(text, Keep.CLOUD_CONFIG)
    assert config(kit, text, None) is None


@pytest.mark.parametrize("text", ["## template: jinja\na: hunter2\n", "- hunter2\n", "hunter2", "merge_how: hunter2\n"])
def test_what_facts_do_not_read_they_do_not_read_after(kit: Any, redactor: Redactor, text: str) -> None:
    assert config(kit, text, None) is config(kit, text, redactor) is None


scalars = st.sampled_from(
    [
        True,
        False,
        None,
        0,
        1,
        7,
        1.5,
        "",
        "yes",
        "no",
        "unchanged",
        "bob",
        "Ec2",
        "hunter2",
        "x: y #",
        "a\nb\n",
        "\u00e9",
    ]
)
keys = st.sampled_from(
    ["ssh_pwauth", "disable_root", "users", "user", "name", "sudo", "lock_passwd", "password", "system_info",
     "default_user", "datasource_list", "hunter2", "chpasswd", "list", "7", "y"]
)  # fmt: skip
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4), max_leaves=12
)
documents = st.dictionaries(keys, values, max_size=6)


@given(documents, st.booleans(), st.sampled_from(["", "# c\n\n", "---\n"]))
@settings(max_examples=400, deadline=None)
def test_every_value_stands_where_it_stood(kit: Any, redactor: Redactor, said: Any, flow: bool, first: str) -> None:  # noqa: FBT001 - drawn
    text = first + yaml.safe_dump(said, default_flow_style=flow, allow_unicode=True)
    before, after = config(kit, text, None), config(kit, text, redactor)
    if before is None or after is None:
        assert after is before
        return
    there, here = list(before.walk()), list(after.walk())
    assert len(there) == len(here)
    for (keys_there, was), (keys_here, found) in zip(there, here, strict=True):
        assert after.origin(keys_here) == before.origin(keys_there)
        assert all(is_placeholder(new) or new == old for new, old in zip(keys_here, keys_there, strict=True))
        assert type(was) is type(found) or is_placeholder(found)
        assert isinstance(found, dict | list) or found == was or "kept-" in found or "amigate" in found
    for name in ("ssh_pwauth", "disable_root"):
        value = before.value(name)
        if isinstance(value, bool | None) or value in ("yes", "no", 0, 1):
            assert after.value(name) == value
        assert before.origin((name,)) == after.origin((name,))


@given(st.text(alphabet="ab:-[]{}&*!|>'\"# \n,?%@1", max_size=60))
@settings(max_examples=400, deadline=None)
def test_any_yaml_stays_one_or_is_not_kept(kit: Any, redactor: Redactor, text: str) -> None:
    before, after = config(kit, text, None), config(kit, text, redactor)
    if after is not None:
        assert before is not None
        assert len(list(after.walk())) == len(list(before.walk())) or "&" in text
