"""doas.conf, PAM's files and lines of consoles: what is kept of them reads as what they were made from."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amigate.evidence import autologin
from amigate.evidence.doas_grammar import DoasRule
from amigate.evidence.doas_grammar import statements as doas
from amigate.evidence.doas_grammar import written as written_doas
from amigate.evidence.keep import Keep
from amigate.evidence.pam_grammar import statements as pam
from amigate.evidence.redaction.kept import review_digest
from amigate.evidence.redaction.redactor import Redactor

TEXTS = st.text(alphabet=' \t\n\\"{}#[]=@-/abnopermitcdusfk:,.$1', max_size=200)


def kept(text: str, keep: Keep, kit: Any) -> str:
    entry = Redactor().entry(kit.file("/x", text.encode("utf-8", "surrogateescape")), keep)
    return (entry.content or b"").decode("utf-8", "surrogateescape")


@given(text=TEXTS)
def test_what_is_kept_of_doas_reads_alike(text: str, kit: Any) -> None:
    before, after = list(doas(text)), list(doas(kept(text, Keep.DOAS, kit)))
    assert [number for number, _ in after] == [number for number, _ in before]
    for (_, was), (_, now) in zip(before, after, strict=True):
        assert (was is None) == (now is None)
        if was and now:
            assert (was.permits, was.asks, bool(was.run_as)) == (now.permits, now.asks, bool(now.run_as))


@given(text=TEXTS)
def test_what_is_kept_of_pam_reads_alike(text: str, kit: Any) -> None:
    before, after = list(pam(text)), list(pam(kept(text, Keep.PAM, kit)))
    assert [number for number, _ in after] == [number for number, _ in before]
    for (_, was), (_, now) in zip(before, after, strict=True):
        if was and now:
            assert (was.type, was.control, was.nullok) == (now.type, now.control, now.nullok)
        else:
            assert now is None


@given(text=TEXTS)
def test_what_is_kept_of_consoles_reads_alike(text: str, kit: Any) -> None:
    text = text.replace("k", "getty ").replace("f", " --autologin ")
    assert list(autologin.read(kept(text, Keep.AUTOLOGIN, kit))) == list(autologin.logins(text))
    assert list(autologin.read(kept(text, Keep.SSHD_START, kit))) == list(autologin.logins(text))


@given(who=st.text(alphabet='a:\\"# {', min_size=1), run_as=st.sampled_from(["", "root"]), asks=st.booleans())
def test_a_rule_of_doas_reads_as_it_was_written(who: str, run_as: str, asks: bool) -> None:  # noqa: FBT001 - hypothesis
    rule = DoasRule(permits=True, asks=asks, who=who, run_as=run_as, command="")
    assert list(doas(written_doas(rule))) == [(1, rule)]


@pytest.mark.parametrize(
    "line,opens",
    [
        ("ExecStart=-/sbin/agetty -o '-p -- \\\\u' --noclear --keep-baud - 115200,38400,9600 $TERM", False),
        ("ExecStart=-/sbin/agetty --autologin core --noclear %I $TERM", True),
        ("ExecStart=/sbin/agetty --autol core tty1", True),
        ("ExecStart=/sbin/agetty -8a core tty1", True),
        ("ExecStart=/sbin/agetty -Ia tty1", False),
        ("ExecStart=/sbin/mingetty --autologin root tty1", True),
        ("ExecStart=/sbin/getty -n -l /bin/ash tty1", True),
        ("ExecStart=/sbin/agetty --login-program=/bin/bash tty1", True),
        ("ExecStart=/sbin/agetty -o '-f root' tty1", True),
        ("ExecStart=/bin/login -p -f root", True),
        ("ExecStart=/usr/bin/x -f y", False),
        ("ExecStart=/usr/sbin/sshd -D -f /etc/ssh/x", False),
        ("1:2345:respawn:/sbin/getty 38400 tty1", False),
        ("tty1::askfirst:-/bin/sh", True),
        ("~~:S:wait:/sbin/sulogin", False),
        ("Description=Getty on %I -a b", False),
        ("Documentation=man:agetty(8) man:systemd-getty-generator(8)", False),
        ("login " * 3000, True),
    ],
)
def test_a_line_logs_somebody_in_or_not(line: str, opens: bool) -> None:  # noqa: FBT001 - a parameter
    assert autologin.logs_in(line) is opens


def test_a_digest_for_reviews_is_the_same_in_every_run_and_takes_a_while() -> None:
    assert review_digest(b"x") == review_digest(b"x") == "50462cd74329af875726a2127c402287"
