"""Plain pytest says of every look what it would be."""

from __future__ import annotations

from amigate.check import Look
from amigate.judge import plain


def test_each_look_is_told_in_words() -> None:
    assert set(plain._LOOKS) == set(Look)
