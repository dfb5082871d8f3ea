"""Lines that are continued, and a file that ends in one: none is lost."""

from __future__ import annotations

import pytest

from amigate.evidence import autologin, doas_grammar, pam_grammar
from amigate.evidence.continued import joined


@pytest.mark.parametrize(
    "text, expected",
    [
        ("", [(1, "")]),
        ("a\nb", [(1, "a"), (2, "b")]),
        ("a\\\nb\nc", [(1, "a b"), (3, "c")]),
        ("a\\\r\nb", [(1, "a b")]),
        ("a\\\n\\\nb", [(1, "a  b")]),
        ("a\nb\\", [(1, "a"), (2, "b\\")]),
        ("a\\\nb\\", [(1, "a b\\")]),
        ("a\\\n", [(1, "a ")]),
    ],
)
def test_a_line_is_joined_with_what_continues_it(text: str, expected: list[tuple[int, str]]) -> None:
    assert list(joined(text)) == expected


def test_a_console_that_logs_in_is_seen_in_a_file_that_ends_in_a_backslash() -> None:
    assert list(autologin.logins("[Service]\nExecStart=-/sbin/agetty --autologin root \\")) == [(2, autologin.LOGIN)]
    assert list(autologin.logins("Environment=SYSTEMD_SULOGIN_FORCE=1\\")) == [(1, autologin.RESCUE)]


def test_a_module_is_seen_in_a_file_that_ends_in_a_backslash() -> None:
    (_, found), *others = pam_grammar.statements("auth sufficient pam_permit.so\\")
    assert found is not None
    assert found.module == "pam_permit.so"
    assert not others


def test_doas_refuses_a_file_that_ends_in_a_backslash() -> None:
    assert list(doas_grammar.statements("permit nopass bob\npermit nopass eve \\"))[1] == (2, None)
