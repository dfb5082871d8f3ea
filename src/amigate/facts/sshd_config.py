"""Reading sshd's configuration files: Include followed, Match blocks kept, each line with its place.

sshd_config(5): keywords are case-insensitive, the first value obtained wins, Match applies to what follows it up to
the next Match or the end of its file, https://man.openbsd.org/sshd_config.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from amigate.check import InconclusiveError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from amigate.evidence.model import View

MAIN = "/etc/ssh/sshd_config"
_INCLUDE_DEPTH = 16
"""As in OpenSSH's servconf.c, SERVCONF_MAX_DEPTH."""
_LINES = 20_000
"""More settings than any configuration has; files that include each other many times over would never end."""


_SETTING = re.compile(r'(?:"([^"]*)"[ \t\r]*|([^ \t\r"=#][^ \t\r"=]*)[ \t\r]*=?[ \t\r]*)')
"""A keyword and what parts it from its words: an equals sign only where the keyword is not quoted."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """One setting, in the order in which sshd reads it."""

    path: str
    number: int
    keyword: str
    """In lower case."""
    words: tuple[str, ...]
    match: tuple[str, ...] = ()
    """The words of the Match block that it stands in, and before them of the one that holds its Include; empty
    outside of any."""

    @property
    def place(self) -> str:
        """`path:line`."""
        return f"{self.path}:{self.number}"


def includes(text: str) -> list[str]:
    """Return the patterns that `text` includes; a relative one is taken from /etc/ssh, as sshd does.

    Raises InconclusiveError for a pattern that sshd and we might not read alike.
    """
    return [pattern(word) for _, keyword, words in _settings(text) if keyword == "include" for word in words]


def lines(view: View, path: str = MAIN) -> list[Line]:
    """Return every setting of `path` and of what it includes; raises InconclusiveError where one was not seen."""
    found = list(islice(_read(view, path, (), 0), _LINES + 1))
    if len(found) > _LINES:
        raise InconclusiveError(f"{path}: its includes never come to an end")
    return found


def pattern(word: str) -> str:
    """Return what an Include asks for, as an absolute pattern; raises InconclusiveError where readings may differ."""
    if re.search(r"[\[\\\0]|^~|(^|/)\.\.(/|$)", word):
        raise InconclusiveError("an Include has brackets, a backslash, `~` or `..`, which is not followed here")
    return posixpath.normpath(posixpath.join("/etc/ssh", word))


def _read(view: View, path: str, outer: tuple[str, ...], depth: int) -> Iterator[Line]:
    if depth > _INCLUDE_DEPTH:
        raise InconclusiveError(f"{path}: includes are nested deeper than sshd allows")
    text = view.text(path)
    if text is None:
        raise InconclusiveError(f"{path} is missing")
    match = outer
    for number, keyword, words in _settings(text):
        if keyword == "match":
            # Inside an included file a Match ends with that file; one that holds the Include holds for all of it.
            match = outer + words
        yield Line(path=path, number=number, keyword=keyword, words=words, match=match)
        if keyword == "include":
            for word in words:
                for entry in view.glob(pattern(word)):
                    yield from _read(view, entry.path, match, depth + 1)


def _settings(text: str) -> Iterator[tuple[int, str, tuple[str, ...]]]:
    """Yield line number, keyword in lower case and words, as sshd reads them: lines end with a line feed only."""
    for number, line in enumerate(text.split("\n"), 1):
        # A form feed is cut off at the end of a line and is a character like others before that.
        content = line.lstrip(" \t\r")
        content = content[:1] + content[1:].rstrip(" \t\r\f")
        found = _SETTING.match(content)
        if found:
            keyword = found[1] if found[1] is not None else found[2]
            yield number, keyword.lower(), _words(content[found.end() :])


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
