"""What is kept of sudoers means the same to the fact, and holds no argument."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from amigate.check import InconclusiveError
from amigate.evidence.keep import Keep
from amigate.evidence.model import View
from amigate.evidence.redaction.kept import is_placeholder
from amigate.evidence.redaction.sudoers import rule
from amigate.evidence.sudoers_grammar import parse
from amigate.facts.sudoers import Sudoers

if TYPE_CHECKING:
    from collections.abc import Callable

    from amigate.evidence.redaction.redactor import Redactor
    from amigate.evidence.sudoers_grammar import Parsed, Rule

MAIN = "/etc/sudoers"


def test_a_policy_keeps_its_rules_by_line_and_loses_arguments(kept: Callable[..., str]) -> None:
    found = kept(
        "# hunter2\n"
        "Defaults env_reset, passwd_tries=3, badpass_message=hunter2\n"
        "Defaults:bob hunter2, !authenticate\n"
        "Cmnd_Alias X = /bin/x hunter2\n"
        "User_Alias A = bob, %wheel\n"
        "A ALL = (root) \\\n"
        "  NOPASSWD: /bin/mysql -phunter2, !/bin/sh\n"
        "eve web : db = SETENV: /bin/ls : ALL = hunter2\n"
        "#includedir /etc/sudoers.d\n",
        Keep.SUDOERS,
    )
    lines = found.split("\n")
    assert "hunter2" not in found
    assert lines[0] == lines[3] == "#"
    assert lines[1].startswith("Defaults env_reset, passwd_tries=3, badpass_message=(not-kept-")
    assert lines[2].startswith("Defaults:bob (not-kept-")
    assert lines[2].endswith(", !authenticate")
    assert lines[4] == "User_Alias A = bob,%wheel"
    assert lines[5].startswith("A ALL = (root) NOPASSWD: /bin/mysql (not-kept-")
    assert lines[5].endswith(" : ALL = (root) NOPASSWD: !/bin/sh")
    assert lines[6] == ""
    assert lines[7].startswith("(not-kept-")  # two lists of hosts in front of one list of commands
    assert lines[8:] == ['@includedir "/etc/sudoers.d"', ""]


@pytest.mark.parametrize(
    "text", ["password = hunter2\n", "hunter2\n", "my password=hunter2\n", "a b c = hunter2\n", "User_Alias hunter2\n"]
)
def test_what_is_no_rule_is_not_kept(text: str, kept: Callable[..., str]) -> None:
    assert "hunter2" not in kept(text, Keep.SUDOERS)


@pytest.mark.parametrize(
    "text", ["#include hunter2 # why\n@include /a b\tc\n", "User_Alias x = hunter2\n", "hunter2\n" * 2000]
)
def test_what_cannot_be_kept_in_part_is_not_kept(text: str, is_withheld: Callable[..., bool]) -> None:
    assert is_withheld(text.replace(" # why", " #\twhy"), Keep.SUDOERS)


def test_the_rule_of_an_account_of_cloud_init_is_kept(redactor: Redactor) -> None:
    assert rule("ALL=(ALL) NOPASSWD:ALL", redactor.mac) == "ALL=(ALL) NOPASSWD:ALL"
    assert rule("ALL=(ALL) NOPASSWD: /bin/x hunter2", redactor.mac).startswith("ALL = (ALL) NOPASSWD: /bin/x (not-kept")
    for text in ("hunter2", "ALL=hunter2", "Defaults hunter2", "x\n_ ALL=ALL", ", bob ALL = ALL"):
        assert "hunter2" not in rule(text, redactor.mac)
        assert "bob" not in rule(text, redactor.mac)


def _told(text: str) -> Parsed | None:
    try:
        return parse(text, MAIN)
    except InconclusiveError:
        return None


users = st.sampled_from(
    ["bob", "%wheel", "#1000", "%#7", "+net", "!eve", "! ann", "ALL", "A", '"a b"', "a\\ b", "DOM\\\\x", "%:x", "\\#1"]
)
hosts = st.sampled_from(["ALL", "web", "!db", "10.0.0.0/8", "fe80\\:\\:1", "H", "+n"])
programs = st.sampled_from(
    [
        "ALL", "/bin/ls", "!/bin/sh", "! /bin/x", "/bin/a\\,b x", "/bin/c\\:d", "sudoedit /etc/motd", "C", "PASSWD",
        '/bin/x ""', "/bin/x *", "^/bin/.*$", "list", "/opt/d/", "sha224:0GomF8mNN3wlDt1H== /bin/a", "ROLE=x /bin/y",
        "/bin/x -p hunter2", "(root) NOPASSWD: /bin/z", "NOPASSWD:/bin/y", "PASSWD: ALL", "NOEXEC: /bin/v", "word", "",
    ]
)  # fmt: skip
run_as = st.sampled_from(["", "", "(root) ", "(ALL:ALL) ", "(a, b) ", "(:adm) ", "()", "(#0)", "(%x\\ y)"])
lists: Callable[..., Any] = lambda of, by=", ": st.lists(of, min_size=1, max_size=3).map(by.join)  # noqa: E731
sections = st.tuples(lists(hosts), run_as, lists(programs)).map(lambda part: f"{part[0]} = {part[1]}{part[2]}")
rules = st.tuples(lists(users), lists(sections, " : ")).map(" ".join)
settings_of_defaults = st.sampled_from(
    ["!authenticate", "! authenticate", "exempt_group = adm", "exempt_group += x", "env_reset",
     "passwd_tries=3", "!!setenv", "x"]
)  # fmt: skip
defaults = st.tuples(
    st.sampled_from(["Defaults ", "Defaults:bob ", "Defaults!/bin/ls ", "Defaults@h "]), lists(settings_of_defaults)
).map("".join)
aliases = lists(users).map("User_Alias A = {0} : B = A, {0}".format)
others = st.sampled_from(
    ["", "# x", "Host_Alias H = a", "Cmnd_Alias C = /bin/ls", "@include more", '@includedir "/srv/a b"', "bob", "\\"]
)
policies = st.lists(st.one_of(rules, defaults, aliases, others), max_size=5).map("\n".join)
texts = st.text(alphabet='bA!%#:=,() /\\"\n\tNOPASWD@inclued*.', max_size=60)


@given(st.one_of(policies, policies.map(lambda text: text.replace(", ", ", \\\n ")), texts))
@example(": :==")
@example(", ALL = ALL")
@settings(max_examples=400, deadline=None)
def test_a_policy_reads_the_same_before_and_after(kit: Any, redactor: Redactor, text: str) -> None:
    kept = redactor.entry(kit.file(MAIN, text.encode()), Keep.SUDOERS)
    if kept.withheld:
        return
    before, after = _told(text), _told((kept.content or b"").decode())
    if before is None or after is None:
        assert after is before
        return
    assert [_meant(each) for each in after.rules] == [_meant(each) for each in before.rules]
    assert [(each.line, each.scope) for each in after.defaults] == [(each.line, each.scope) for each in before.defaults]
    assert after.includes == before.includes
    assert after.user_aliases.keys() == before.user_aliases.keys()
    for found, was in zip(after.rules, before.rules, strict=True):
        assert all(is_placeholder(here) or here == there for here, there in zip(found.users, was.users, strict=True))


def _meant(rule: Rule) -> object:
    return rule.line, len(rule.users), len(rule.hosts), rule.asks, rule.command[:1] == "!", bool(rule.run_as)


@given(policies)
@settings(max_examples=150, deadline=None)
def test_the_fact_judges_the_same_before_and_after(kit: Any, redactor: Redactor, text: str) -> None:
    entry = kit.file(MAIN, text.encode())
    found: list[object] = []
    for each in (entry, redactor.entry(entry, Keep.SUDOERS)):
        view = View(entries={MAIN: each}, absent=frozenset({"/etc/more"}), globbed=frozenset({"/srv/a b/*"}))
        try:
            policy = Sudoers.read(view)
        except InconclusiveError:
            found.append(None)
            continue
        found.append(
            (
                [(each.line, each.subject) for each in policy.without_password({"bob"})],
                [(each.line, each.subject) for each in policy.of_absent_users({"bob"})],
            )
        )
    assert found[0] == found[1] or found[1] is None
