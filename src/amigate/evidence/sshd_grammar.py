"""How sshd reads a line of its configuration, and how a line is written so that it reads the same again."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_SETTING = re.compile(r'(?:"([^"]*)"[ \t\r]*|([^ \t\r"=#][^ \t\r"=]*)[ \t\r]*=?[ \t\r]*)')
"""A keyword and what parts it from its words: an equals sign only where the keyword is not quoted."""


def settings(text: str) -> Iterator[tuple[int, str, tuple[str, ...]]]:
    """Yield line number, keyword in lower case and words, as sshd reads them: lines end with a line feed only."""
    for number, line in enumerate(text.split("\n"), 1):
        if (found := setting(line)) is not None:
            yield number, *found


def setting(line: str) -> tuple[str, tuple[str, ...]] | None:
    """Return keyword in lower case and words of a line; None for one that sets nothing."""
    # A form feed is cut off at the end of a line and is a character like others before that.
    content = line.lstrip(" \t\r")
    content = content[:1] + content[1:].rstrip(" \t\r\f")
    found = _SETTING.match(content)
    if found is None:
        return None
    keyword = found[1] if found[1] is not None else found[2]
    return keyword.lower(), _words(content[found.end() :])


def written(keyword: str, words: Sequence[str]) -> str:
    """Return a line that `setting` reads as these; `keyword` is a plain word."""
    return " ".join([keyword, *map(_quoted, words)])


def _quoted(word: str) -> str:
    if re.fullmatch(r"[^\s\"'\\#=]+", word):
        return word
    return '"' + re.sub(r"([\\\"'])", r"\\\1", word) + '"'


def _words(text: str) -> tuple[str, ...]:
    """Split as argv_split of OpenSSH's misc.c does: quotes of both kinds, few escapes, a comment ends it."""
    words: list[str] = []
    word: str | None = None
    quote = ""
    escaped = False
    for character, following in zip(text, f"{text} "[1:], strict=True):
        if escaped:
            word, escaped = (word or "") + character, False
        elif character == "\\" and (following in "\\'\"" or (following == " " and not quote)):
            escaped = True
        elif not quote and character in " \t":
            words += [] if word is None else [word]
            word = None
        elif not quote and word is None and character == "#":
            return tuple(words)
        elif character == quote:
            quote = ""
        elif not quote and character in "'\"":
            word, quote = word or "", character
        else:
            word = (word or "") + character
    return tuple(words if word is None else [*words, word])
