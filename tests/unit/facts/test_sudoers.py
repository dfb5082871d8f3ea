"""What sudo's policy lets whom do; its grammar is compared with sudo's own in tests/contract."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest

from amigate.check import InconclusiveError, NotApplicableError
from amigate.evidence.sudoers_grammar import parse
from amigate.facts.sudoers import NEEDS, Sudoers

MAIN = "/etc/sudoers"


def read(at_rest: Any, text: str, **more: str) -> Sudoers:
    return Sudoers.read(at_rest({MAIN: text, **{path.replace("__", "/"): more[path] for path in more}}, NEEDS))


def test_rules_without_a_password_are_found_where_they_stand(at_rest: Any) -> None:
    text = (
        "root ALL=(ALL) ALL\n\nbob, eve ALL=(ALL:ALL) NOPASSWD: ALL, !/bin/sh\n%wheel ALL=(ALL) NOPASSWD: /bin/ls -l\n"
    )
    found = read(at_rest, text).without_password(allowed={"bob"})
    assert [(each.subject, each.line, each.detail) for each in found] == [
        ("eve", 3, "may run ALL as ALL:ALL without a password"),
        ("%wheel", 4, "may run /bin/ls as ALL without a password"),
    ]


def test_defaults_that_ask_for_no_password_are_found(at_rest: Any) -> None:
    text = (
        "Defaults env_reset, !authenticate\nDefaults:bob ! authenticate\nDefaults exempt_group = adm\nDefaults x\n"
        "Defaults !authenticate\n"
    )
    assert [each.line for each in read(at_rest, text).without_password()] == [1, 2, 3, 5]


def test_rules_of_users_that_are_gone_are_found(at_rest: Any) -> None:
    found = read(at_rest, "packer, root ALL=(ALL) NOPASSWD:ALL\n%x, #7, +n, ALL ALL=ALL\n").of_absent_users({"root"})
    assert [each.subject for each in found] == ["user packer"]


def test_an_include_that_names_the_machine_is_no_answer(at_rest: Any) -> None:
    with pytest.raises(InconclusiveError):
        read(at_rest, "@include /etc/sudoers.%h\n")


def test_includes_that_never_end_are_no_answer(at_rest: Any) -> None:
    with pytest.raises(InconclusiveError):
        read(at_rest, "@include sudoers\n@include sudoers\n")


def test_a_quoted_include_and_one_with_a_blank_are_followed(at_rest: Any) -> None:
    policy = read(
        at_rest,
        '@include "/srv/a b"\n@include /srv/c\\ d\n@include missing\n',
        **{"/srv/a b": "bob ALL=ALL\n", "/srv/c d": "eve ALL=ALL\n"},
    )
    assert [rule.users for rule in policy.rules] == [("bob",), ("eve",)]


def test_no_policy_is_not_applicable(at_rest: Any) -> None:
    with pytest.raises(NotApplicableError):
        Sudoers.read(at_rest({}, NEEDS))


@pytest.mark.parametrize("text", ["bob\n", "bob ALL\n", "bob a b = ALL\n", "= ALL\n", "User_Alias A\n"])
def test_a_line_in_no_known_form_is_no_answer(at_rest: Any, text: str) -> None:
    with pytest.raises(InconclusiveError):
        read(at_rest, text)


def test_aliases_of_aliases_come_to_an_end(at_rest: Any) -> None:
    doubling = "".join(f"User_Alias A{n} = A{n + 1}, A{n + 1}\n" for n in range(40))
    with pytest.raises(InconclusiveError):
        read(at_rest, doubling + "A0 ALL=ALL\n")
    assert read(at_rest, "User_Alias A = B : B = A, bob\nA ALL=ALL\n").rules[0].users == ("A", "bob")


def test_options_digests_and_escapes_stand_before_a_command(at_rest: Any) -> None:
    text = "bob ALL = CWD=/tmp TIMEOUT=2h NOPASSWD: sha224:0GomF8mNN3wlDt1H== /bin/a x\\,y \\: z, /bin/b \\# c # why\n"
    assert [(rule.command, rule.asks) for rule in parse(text, MAIN).rules] == [
        ("/bin/a x\\,y \\: z", False),
        ("/bin/b \\# c", False),
    ]


@pytest.mark.parametrize(
    "text", ["a " * 100_000, "a b=" + ":" * 200_000, "a b=" + "(" * 200_000, '"' * 200_001, "a b=c" + ",d" * 90_000]
)
def test_a_hostile_policy_is_read_in_no_time(text: str) -> None:
    with suppress(InconclusiveError):
        parse(text, MAIN)
