"""Text that an image controls, made safe to print."""

from __future__ import annotations


def printable(text: str) -> str:
    """Return `text` with every character that does not print, terminal escapes and bidi marks too, escaped."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
        for character in text
    )
