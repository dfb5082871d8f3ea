"""Profiles: what is accepted, and how an error says where it stands."""

from __future__ import annotations

import datetime
import hashlib
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amigate.errors import UsageError
from amigate.judge import catalogue
from amigate.profile import Profile, load, shipped
from amigate.profile.layers import parse_alone
from amigate.profile.load import resolve
from amigate.result import Severity, Witness

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from amigate.check import Check

SOUND = """\
name: mine
description: My own.
audience: accounts
evidence: [ec2, instance]
rules:
  ssh-no-password-login:
  ssh-no-dns-checks:
    severity: high
    settings: {allow: [a]}
waivers:
  - rule: ssh-no-dns-checks
    subject: "user b*"
    reason: known
    owner: ops
    expires: 2026-12-31
"""


@pytest.fixture
def loaded(written: Callable[..., Profile]) -> Callable[[str], Profile]:
    return lambda text: written(mine=text)


def test_a_profile_says_which_rules_how_strict_and_for_whom(loaded: Callable[[str], Profile]) -> None:
    profile = loaded(SOUND)
    assert list(profile.rules) == ["ssh-no-password-login", "ssh-no-dns-checks"]
    assert profile.evidence == (Witness.EC2, Witness.INSTANCE)
    assert profile.choice("ssh-no-dns-checks").severity is Severity.HIGH
    assert profile.choice("ssh-no-dns-checks").settings == {"allow": ["a"]}
    assert profile.choice("ssh-no-password-login").severity is None
    assert profile.digest == "sha256:" + hashlib.sha256(SOUND.encode()).hexdigest()
    assert [severity for severity in Severity if profile.blocks(severity)] == [Severity.HIGH, Severity.CRITICAL]
    waiver = profile.waivers[0]
    assert waiver.expires == datetime.date(2026, 12, 31)
    assert waiver.covers("user bob", "")
    assert not waiver.covers("user alice", "/etc/passwd")


def test_shipped_profiles_are_sound_and_name_shipped_rules() -> None:
    known = catalogue.checks()
    assert "first-gate" in shipped()
    for name in shipped():
        profile = load(name, known)
        assert profile.name == name
        for rule, choice in profile.rules.items():
            declared = catalogue.checks()[rule]
            assert set(choice.settings if choice else {}) <= set(declared.settings)
            assert set(declared.evidence) & set(profile.evidence), f"{rule} could never be asked"


@pytest.mark.parametrize(
    "change,place,word",
    [
        (("audience: accounts", "audience: everybody"), "3:11", "audience"),
        (("evidence: [ec2, instance]", "evidence: []"), "4:11", "evidence"),
        (("evidence: [ec2, instance]", "evidence: [ec2, instances]"), "4:17", "evidence"),
        (("description: My own.", "descripton: My own."), "2:1", "did you mean 'description'"),
        (("    severity: high", "    severity: huge"), "8:15", "severity"),
        (("    severity: high", "    severty: high"), "8:5", "did you mean 'severity'"),
        (("  ssh-no-password-login:", "  ssh-no-passwords-login:"), "6:3", "did you mean 'ssh-no-password-login'"),
        (("  - rule: ssh-no-dns-checks", "  - rule: ssh-no-dns-check"), "11:5", "did you mean 'ssh-no-dns-checks'"),
        (("    reason: known", '    reason: ""'), "13:13", "reason"),
        (("    expires: 2026-12-31", "    expires: never"), "15:14", "expires"),
        (("  ssh-no-dns-checks:", "  ssh-no-password-login:"), "7:3", "stands here twice"),
        (("name: mine", "name: 'Mine!'"), "1:7", "name"),
        (("name: mine", "name: [unclosed"), "2:", "mine.yaml"),
        (("name: mine", "name: mine\nname: other"), "2:1", "stands here twice"),
        (("    owner: ops\n", ""), "11:5", "owner"),
        (("audience: accounts\n", ""), "1:1", "audience is missing"),
        (("    severity: high", "    severity: off"), "8:15", "severity"),
        (("  ssh-no-password-login:", "  ssh-no-password-login: high"), "6:26", "nothing, off, or a mapping"),
        (("{allow: [a]}", "{alow: [a]}"), "9:16", "has no setting 'alow' (did you mean 'allow'?)"),
        (("{allow: [a]}", "{nothing: 1}"), "9:16", "has no setting 'nothing'; it has allow, at_most"),
        (("{allow: [a]}", "{allow: a}"), "9:23", "wants a list in which each is a text as allow"),
        (("{allow: [a]}", "{allow: [1]}"), "9:23", "wants a list in which each is a text as allow"),
        (("{allow: [a]}", "{at_most: true}"), "9:25", "wants a whole number as at_most"),
        (("{allow: [a]}", "{ratio: '1'}"), "9:23", "wants a number as ratio"),
        (("{allow: [a]}", "{strict: 1}"), "9:24", "wants true or false as strict"),
        (("{allow: [a]}", "{name: 1}"), "9:22", "wants a text as name"),
        (("{allow: [a]}", "{ports: [{a: 1}]}"), "9:23", "wants a list in which each is a text as ports"),
        (("  ssh-no-password-login:", "  ssh-no-password-login: {settings: {x: 1}}"), "6:38", "it has none"),
    ],
)
def test_an_error_names_line_and_column(
    loaded: Callable[[str], Profile], change: tuple[str, str], place: str, word: str
) -> None:
    text = SOUND.replace(*change, 1)
    assert text != SOUND
    with pytest.raises(UsageError) as error:
        loaded(text)
    assert f"mine.yaml:{place}" in str(error.value)
    assert word in str(error.value)
    assert error.value.hint


@pytest.mark.parametrize(
    "text",
    ["", "# nothing\n", "[]", "a", "null", "- a", "!!python/object:os.system {}", "\0", "&a [*a]", "a: !!binary x"],
)
def test_what_is_no_profile_is_refused(loaded: Callable[[str], Profile], text: str) -> None:
    with pytest.raises(UsageError):
        loaded(text)


def test_a_profile_that_is_not_there_names_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as error:
        load("first-gat")
    assert "Did you mean first-gate?" in error.value.hint
    with pytest.raises(UsageError):
        load(str(tmp_path))


def test_a_file_that_is_too_large_is_no_profile(tmp_path: Path) -> None:
    (tmp_path / "big.yaml").write_bytes(b"#" * (1024 * 1024 + 1))
    with pytest.raises(UsageError, match="larger"):
        load(str(tmp_path / "big.yaml"))


def refusal(raw: bytes) -> str | None:
    """Return what the loader says against a file, None where it takes it."""
    try:
        resolve([parse_alone(raw, "p.yaml")], None)
    except UsageError as error:
        return str(error)
    return None


def test_a_key_that_is_no_word_is_refused(loaded: Callable[[str], Profile]) -> None:
    with pytest.raises(UsageError, match=r"mine\.yaml:1:1: a key must be a word"):
        loaded("{[a]: b}: c")


EGRESS = """\
launch:
  egress:
    - {cidr: 10.0.0.0/8, port: 443}
    - {prefix_list: pl-63a5400a, port: 53, protocol: udp}
"""


def test_a_profile_lists_where_instances_may_connect_to(loaded: Callable[[str], Profile]) -> None:
    first, second = loaded(SOUND + EGRESS).launch.egress
    assert (str(first.cidr), first.port, first.protocol, first.prefix_list) == ("10.0.0.0/8", 443, "tcp", None)
    assert (second.cidr, second.port, second.protocol, second.prefix_list) == (None, 53, "udp", "pl-63a5400a")
    assert loaded(SOUND).launch.egress == ()


@pytest.mark.parametrize(
    "change,place,word",
    [
        (("cidr: 10.0.0.0/8", "cidr: 10.0.0.1/8"), "18:14", "cidr"),
        (("cidr: 10.0.0.0/8", "cidr: '::/0'"), "18:14", "cidr"),
        (("cidr: 10.0.0.0/8", "cdir: 10.0.0.0/8"), "18:8", "did you mean 'cidr'"),
        (("port: 443", "port: 0"), "18:32", "port"),
        ((", port: 443", ""), "18:7", "port"),
        (("cidr: 10.0.0.0/8, ", ""), "18:7", "either a cidr or a prefix_list"),
        (("{prefix_list", "{cidr: 10.0.0.0/8, prefix_list"), "19:7", "either a cidr or a prefix_list"),
        (("pl-63a5400a", "sg-63a5400a"), "19:21", "prefix_list"),
        (("protocol: udp", "protocol: icmp"), "19:54", "protocol"),
        (("  egress:", "  egres:"), "17:3", "did you mean 'egress'"),
    ],
)
def test_an_error_in_what_may_be_connected_to_names_line_and_column(
    loaded: Callable[[str], Profile], change: tuple[str, str], place: str, word: str
) -> None:
    text = (SOUND + EGRESS).replace(*change, 1)
    assert text != SOUND + EGRESS
    with pytest.raises(UsageError) as error:
        loaded(text)
    assert f"mine.yaml:{place}" in str(error.value)
    assert word in str(error.value)


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_no_file_breaks_the_loader(raw: bytes) -> None:
    assert refusal(raw) != ""


@given(st.integers(0, len(SOUND) - 1), st.sampled_from("\0:-[]{}&*!|>'\"%@`,\t #\n0"))
def test_no_slip_of_a_key_breaks_the_loader(place: int, character: str) -> None:
    raw = (SOUND[:place] + character + SOUND[place + 1 :]).encode()
    said = refusal(raw)
    assert said is None or said.startswith("p.yaml")


def test_each_rule_knows_its_line(loaded: Callable[[str], Profile]) -> None:
    profile = loaded(SOUND)
    lines = SOUND.splitlines()
    for rule in profile.rules:
        line = profile.line(rule)
        assert line is not None
        assert lines[line - 1].strip().startswith(f"{rule}:")
    assert profile.line("ssh-match-blocks-evaluated") is None


def test_a_test_of_ones_own_has_the_line_that_leads_to_it(tmp_path: Path, rules: dict[str, Check]) -> None:
    (tmp_path / "test_app.py").write_text("def test_port(host): pass\ndef test_user(host): pass\n")
    path = tmp_path / "mine.yaml"
    path.write_text(SOUND + "checks:\n  - test_app.py\n")
    profile = load(str(path), rules)
    assert [profile.line(test.id) for test in profile.own] == [len(SOUND.splitlines()) + 2] * 2
    path.write_text(f"{path.read_text()}".replace("rules:\n", f"rules:\n  {profile.own[0].id}:\n    severity: low\n"))
    profile = load(str(path), rules)
    assert profile.line(profile.own[0].id) == 6


def test_a_profile_is_named_relative_to_its_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "gate" / "mine.yaml"
    path.parent.mkdir()
    path.write_text(SOUND)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert load(str(path)).path == path.as_posix()
    monkeypatch.chdir(tmp_path)
    assert load("gate/mine.yaml").path == "gate/mine.yaml"
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert load("../gate/mine.yaml").path == "gate/mine.yaml"
    assert load("first-gate").path == "profiles/first-gate.yaml"
