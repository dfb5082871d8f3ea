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
from amigate.evidence.sshd_grammar import setting, settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from amigate.evidence.model import View

MAIN = "/etc/ssh/sshd_config"
_INCLUDE_DEPTH = 16
"""As in OpenSSH's servconf.c, SERVCONF_MAX_DEPTH."""
_LINES = 20_000
"""More settings than any configuration has; files that include each other many times over would never end."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """One setting, in the order in which sshd reads it."""

    path: str
    """Empty for a setting of the command line."""
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
        return f"{self.path}:{self.number}" if self.path else "the command line of sshd"


def includes(text: str) -> list[str]:
    """Return the patterns that `text` includes; a relative one is taken from /etc/ssh, as sshd does.

    Raises InconclusiveError for a pattern that sshd and we might not read alike.
    """
    return [pattern(word) for _, keyword, words in settings(text) if keyword == "include" for word in words]


def lines(view: View, path: str = MAIN) -> list[Line]:
    """Return every setting of `path` and of what it includes; raises InconclusiveError where one was not seen."""
    found = list(islice(_read(view, path, (), 0), _LINES + 1))
    if len(found) > _LINES:
        raise InconclusiveError(f"{path}: its includes never come to an end")
    return found


def told(options: Sequence[str]) -> list[Line]:
    """Return the settings that the command line makes (`-o`), which sshd reads before its files; they have no place."""
    found = []
    for flag, value in zip(options[::2], options[1::2], strict=True):
        if flag == "-o" and (read := setting(value)) is not None:
            found.append(Line(path="", number=0, keyword=read[0], words=read[1]))
    return found


def pattern(word: str) -> str:
    """Return what an Include asks for, as an absolute pattern; raises InconclusiveError where readings may differ."""
    if re.search(r"[\[\\\0]|^~|(^|/)\.\.(/|$)", word):
        raise InconclusiveError("an Include has brackets, a backslash, `~` or `..`, which is not followed here")
    return posixpath.normpath(posixpath.join("/etc/ssh", word))


def _read(view: View, path: str, outer: tuple[str, ...], depth: int) -> Iterator[Line]:
    text = view.text(path)
    if text is None:
        raise InconclusiveError(f"{path} is missing")
    match = outer
    for number, keyword, words in settings(text):
        if keyword == "match":
            # Inside an included file a Match ends with that file; one that holds the Include holds for all of it.
            match = outer + words
        yield Line(path=path, number=number, keyword=keyword, words=words, match=match)
        if keyword == "include":
            for word in words:
                for entry in view.glob(pattern(word)):
                    if depth == _INCLUDE_DEPTH:
                        raise InconclusiveError(f"{path}:{number}: includes are nested deeper than sshd allows")
                    yield from _read(view, entry.path, match, depth + 1)
