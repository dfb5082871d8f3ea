"""What a profile has from others, what it asks by topic, and what it switches off."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from amigate.errors import UsageError
from amigate.profile import load
from amigate.result import Severity, Witness
from amigate.rules import rules_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from amigate.check import Check
    from amigate.profile import Profile

    Writer = Callable[..., Profile]

PASSWORD, DNS, KEY = "ssh-no-password-login", "ssh-no-dns-checks", "key-live-only-launch-key"
BASE = f"""\
name: base
description: What others start from.
audience: accounts
blocking: medium
evidence: [ec2, instance]
ssh: {{users: [admin], port: 2222}}
rules:
  {PASSWORD}: {{severity: high}}
  {DNS}: {{settings: {{allow: [b], at_most: 5}}}}
waivers:
  - {{rule: {DNS}, reason: known, owner: ops, expires: 2099-12-31}}
"""


def mine(rest: str = "", extends: str = "base.yaml") -> str:
    return f"name: mine\nextends: {extends}\n{rest}"


def test_what_is_extended_says_what_the_profile_leaves_open(written: Writer) -> None:
    profile = written(base=BASE, mine=mine())
    assert (profile.name, profile.description, profile.audience) == ("mine", "What others start from.", "accounts")
    assert (profile.blocking, profile.evidence) == (Severity.MEDIUM, (Witness.EC2, Witness.INSTANCE))
    assert list(profile.rules) == [PASSWORD, DNS]
    assert profile.choice(PASSWORD).severity is Severity.HIGH
    assert [waiver.owner for waiver in profile.waivers] == ["ops"]


def test_the_profiles_own_word_wins_part_by_part(written: Writer) -> None:
    rest = f"blocking: low\nssh: {{port: 22}}\nrules:\n  {DNS}: {{severity: medium, settings: {{allow: [c]}}}}\n"
    waiver = f"waivers:\n  - {{rule: {PASSWORD}, reason: why, owner: me, expires: 2099-12-31}}\n"
    profile = written(base=BASE, mine=mine(rest + waiver))
    assert profile.blocking is Severity.LOW
    assert (profile.ssh.users, profile.ssh.port) == (("admin",), 22)
    assert profile.choice(DNS).severity is Severity.MEDIUM
    assert profile.choice(DNS).settings == {"allow": ["c"], "at_most": 5}
    assert [waiver.owner for waiver in profile.waivers] == ["ops", "me"]


def test_of_several_later_ones_win_and_each_counts_once(written: Writer) -> None:
    strict = f"name: strict\nextends: base.yaml\nblocking: low\nrules: {{{PASSWORD}: {{severity: critical}}}}\n"
    loose = "name: loose\nextends: base.yaml\naudience: public\n"
    profile = written(base=BASE, strict=strict, loose=loose, mine=mine(extends="[strict.yaml, loose.yaml]"))
    assert (profile.blocking, profile.audience) == (Severity.LOW, "public")
    assert profile.choice(PASSWORD).severity is Severity.CRITICAL
    assert len(profile.waivers) == 1


def test_a_part_of_a_profile_can_be_extended_beside_a_whole_one(written: Writer) -> None:
    part = f"name: part\nrules:\n  {KEY}:\n"
    assert list(written(base=BASE, part=part, mine=mine(extends="[base.yaml, part.yaml]")).rules) == [
        PASSWORD,
        DNS,
        KEY,
    ]
    with pytest.raises(UsageError, match=r"mine\.yaml:1:1: description is missing\n.*mine\.yaml:1:1: audience"):
        written(part=part, mine=mine(extends="part.yaml"))


def test_a_rule_is_switched_off_and_on_again(written: Writer) -> None:
    without = mine(f"rules:\n  {DNS}: off\n")
    assert list(written(base=BASE, mine=without).rules) == [PASSWORD]
    quoted = mine(f"rules:\n  {DNS}: 'off'\n")
    assert list(written(base=BASE, mine=quoted).rules) == [PASSWORD]
    again = f"name: again\nextends: mine.yaml\nrules:\n  {DNS}:\n"
    profile = written(base=BASE, mine=without, again=again)
    assert list(profile.rules) == [PASSWORD, DNS]
    assert profile.choice(DNS).settings == {}


def test_a_profile_that_asks_no_rule_is_refused(written: Writer) -> None:
    with pytest.raises(UsageError, match=r"mine\.yaml:3:1: no rule is asked"):
        written(base=BASE, mine=mine(f"rules:\n  {DNS}: off\n  {PASSWORD}: off\n"))
    with pytest.raises(UsageError, match=r"base\.yaml:1:1: no rule is asked"):
        written(base=BASE.partition("rules:")[0])


def test_a_topic_stands_for_its_rules_and_an_id_says_more(written: Writer) -> None:
    text = BASE.partition("rules:")[0] + f"rules:\n  {DNS}: {{severity: high}}\n  ssh-*: {{severity: medium}}\n"
    profile = written(base=text)
    assert list(profile.rules) == [PASSWORD, DNS]
    assert [profile.choice(rule).severity for rule in profile.rules] == [Severity.MEDIUM, Severity.HIGH]
    assert list(written(base=text, mine=mine("rules:\n  ssh-*: off\n  key-*:\n")).rules) == [KEY]
    profile = written(base=text, mine=mine("rules:\n  ssh-*: {severity: low}\n"))
    assert {profile.choice(rule).severity for rule in profile.rules} == {Severity.LOW}


@pytest.mark.parametrize(
    "rule,place,said",
    [
        ("shs-*:", "8:3", "there is no topic 'shs' (did you mean 'ssh-*'?)"),
        ("ssh-*: {settings: {allow: [a]}}", "8:11", "settings belong to one rule"),
        ("ssh-:", "8:3", "there is no rule 'ssh-' (did you mean 'ssh-*'?)"),
    ],
)
def test_a_topic_that_is_none_has_its_place(written: Writer, rule: str, place: str, said: str) -> None:
    with pytest.raises(UsageError) as error:
        written(base=BASE.partition("rules:")[0] + f"rules:\n  {rule}\n")
    assert f"base.yaml:{place}: " in str(error.value)
    assert said in str(error.value)


def test_topics_want_to_know_the_rules(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(BASE.partition("rules:")[0] + "rules:\n  ssh-*:\n")
    with pytest.raises(ValueError, match="which rules there are"):
        load(str(tmp_path / "mine.yaml"))


@pytest.mark.parametrize(
    "extends,place,said",
    [
        ("mine.yaml", "2:10", "mine.yaml extends this profile itself"),
        ("[base.yaml, ./mine.yaml]", "2:22", "extends this profile itself"),
        ("aws-shard", "2:10", "there is no profile 'aws-shard' (did you mean 'aws-shared'?)"),
        ("other/base.yaml", "2:10", "there is no profile"),
        ("3", "2:10", "extends"),
        ("[base.yaml, 3]", "2:22", "extends"),
        ("{a: b}", "2:10", "extends"),
    ],
)
def test_what_cannot_be_extended_has_its_place(written: Writer, extends: str, place: str, said: str) -> None:
    with pytest.raises(UsageError) as error:
        written(base=BASE, mine=mine(extends=extends))
    assert f"mine.yaml:{place}: " in str(error.value)
    assert said in str(error.value)
    assert len(str(error.value).splitlines()) == 1


def test_profiles_that_extend_each_other_are_refused(written: Writer) -> None:
    with pytest.raises(UsageError, match=r"b\.yaml:2:10: a\.yaml extends this profile itself"):
        written(b="name: b\nextends: a.yaml\n", a="name: a\nextends: b.yaml\n")


def test_a_mistake_in_what_is_extended_has_its_place_there(written: Writer) -> None:
    for change, place in (
        (("blocking: medium", "blocking: huge"), "4:11"),
        ((f"  {PASSWORD}", "  ssh-password"), "8:3"),
        (("allow: [b]", "alow: [b]"), "9:34"),
    ):
        with pytest.raises(UsageError, match=rf"base\.yaml:{place}: "):
            written(base=BASE.replace(*change), mine=mine("blocking: high\n"))


def test_a_shipped_profile_is_extended_by_name(written: Writer, tmp_path: Path) -> None:
    from amigate.judge import catalogue  # noqa: PLC0415 - imports every check

    (tmp_path / "mine.yaml").write_text(mine("rules:\n  ssh-no-dns-checks: off\n", extends="aws-shared"))
    known = catalogue.checks()
    ours, theirs = load(str(tmp_path / "mine.yaml"), known), load("aws-shared", known)
    assert theirs.rules.keys() - ours.rules.keys() == {"ssh-no-dns-checks"}
    assert ours.evidence == theirs.evidence


def test_each_rule_has_the_line_that_asks_for_it_or_extends_what_does(written: Writer) -> None:
    profile = written(base=BASE, mine=mine(f"rules:\n  key-*:\n  {DNS}:\n"))
    assert {rule: profile.line(rule) for rule in profile.rules} == {PASSWORD: 2, DNS: 5, KEY: 4}


def test_the_digest_is_of_all_the_files(written: Writer) -> None:
    parts = b"".join(hashlib.sha256(text.encode()).digest() for text in (BASE, mine()))
    digest = written(base=BASE, mine=mine()).digest
    assert digest == f"sha256:{hashlib.sha256(parts).hexdigest()}"
    assert written(base=BASE + "# a remark\n", mine=mine()).digest != digest


def test_tests_of_ones_own_come_along_and_can_be_switched_off(
    written: Writer, tmp_path: Path, rules: dict[str, Check]
) -> None:
    folder = tmp_path / "ours"
    folder.mkdir()
    (folder / "test_app.py").write_text("def test_port(host): pass\ndef test_user(host): pass\n")
    rest = "rules:\n  'user:ours/test_app.py::test_port': off\n"
    profile = written(base=BASE + "checks: [ours]\n", mine=mine(rest))
    asked = {test.id for test in profile.own} - profile.off
    assert asked == {"user:ours/test_app.py::test_user"}
    assert profile.line("user:ours/test_app.py::test_user") == 2
    only = BASE.partition("rules:")[0] + "checks: [ours]\n"
    assert [test.id for test in written(only=only).own] == sorted(test.id for test in profile.own)


def test_two_folders_of_one_name_are_refused(written: Writer, tmp_path: Path) -> None:
    for name, test in (("ours", "a"), ("deep/ours", "b")):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / f"test_{test}.py").write_text(f"def test_{test}(host): pass\n")
    (tmp_path / "deep" / "base.yaml").write_text(BASE + "checks: [ours]\n")
    with pytest.raises(UsageError, match="ours under checks is both"):
        written(mine=mine("checks: [ours]\n", extends="deep/base.yaml"))


def test_rules_of_a_profile_leave_out_tests_that_are_off(tmp_path: Path) -> None:
    (tmp_path / "test_app.py").write_text("def test_port(host): pass\ndef test_user(host): pass\n")
    rest = "checks: [test_app.py]\nrules:\n  user:test_app.py::test_port: off\n"
    (tmp_path / "mine.yaml").write_text(mine(rest, extends="aws-shared"))
    profile = load(str(tmp_path / "mine.yaml"))
    own = [rule for rule in rules_of(profile) if rule.startswith("user:")]
    assert own == ["user:test_app.py::test_user"]
