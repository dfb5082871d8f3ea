"""Lines that a backslash at their end continues."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def joined(text: str) -> Iterator[tuple[int, str]]:
    """Yield each line with what continues it, a space between, and the number at which it begins.

    Where the text ends in a line that is to be continued, that line keeps its backslash."""
    number, pending = 1, ""
    for at, line in enumerate(text.split("\n"), 1):
        number = number if pending else at
        pending += line.rstrip("\r")
        if pending.endswith("\\"):
            pending = pending[:-1] + " "
        else:
            yield number, pending
            pending = ""
    if pending:
        yield number, pending[:-1] + "\\"
