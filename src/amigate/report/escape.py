"""Text that an image controls, made safe to show."""

from __future__ import annotations

LONGEST = 2000
"""Characters of one text in a report for people; the JSON report has all of it."""


def printable(text: str) -> str:
    """Return `text` with every character that does not print, terminal escapes and bidi marks too, escaped."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
        for character in text
    )


def shown(text: str) -> str:
    """Return `text` printable, and no longer than a reader can take in."""
    escaped = printable(text[: LONGEST + 1])
    return escaped if len(escaped) <= LONGEST else f"{escaped[:LONGEST]}… (cut)"
