"""Reading sshd's configuration files: Include followed, Match blocks kept, each line with its place.

sshd_config(5): keywords are case-insensitive, the first value obtained wins, Match applies to what follows it up to
the next Match or the end of its file, https://man.openbsd.org/sshd_config.
"""

from __future__ import annotations

import posixpath
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from amigate.check import InconclusiveError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from amigate.evidence.model import View

MAIN = "/etc/ssh/sshd_config"
_INCLUDE_DEPTH = 16
"""As in OpenSSH's servconf.c, SERVCONF_MAX_DEPTH."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """One setting, in the order in which sshd reads it."""

    path: str
    number: int
    keyword: str
    """In lower case."""
    words: tuple[str, ...]
    match: tuple[str, ...] = ()
    """The words of the Match block that it stands in; empty outside of any."""

    @property
    def place(self) -> str:
        """`path:line`."""
        return f"{self.path}:{self.number}"


def includes(text: str) -> list[str]:
    """Return the patterns that `text` includes; a relative one is taken from /etc/ssh, as sshd does."""
    return [
        posixpath.join("/etc/ssh", pattern)
        for _, keyword, words in _settings(text)
        if keyword == "include"
        for pattern in words
    ]


def lines(view: View, path: str = MAIN) -> list[Line]:
    """Return every setting of `path` and of what it includes; raises InconclusiveError where one was not seen."""
    return list(_read(view, path, (), 0))


def _read(view: View, path: str, match: tuple[str, ...], depth: int) -> Iterator[Line]:
    if depth > _INCLUDE_DEPTH:
        raise InconclusiveError(f"{path}: includes are nested deeper than sshd allows")
    text = view.text(path)
    if text is None:
        raise InconclusiveError(f"{path} is missing")
    for number, keyword, words in _settings(text):
        if keyword == "match":
            # Inside an included file a Match ends with that file; one that holds the Include holds for all of it.
            match = words
        yield Line(path=path, number=number, keyword=keyword, words=words, match=match)
        if keyword == "include":
            for pattern in words:
                for entry in view.glob(posixpath.join("/etc/ssh", pattern)):
                    yield from _read(view, entry.path, match, depth + 1)


def _settings(text: str) -> Iterator[tuple[int, str, tuple[str, ...]]]:
    """Yield line number, keyword in lower case and words; `Keyword=value` and quotes as sshd reads them."""
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        keyword = stripped.split(maxsplit=1)[0].split("=", 1)[0]
        rest = stripped[len(keyword) :].lstrip().removeprefix("=")
        try:
            words = tuple(shlex.split(rest, comments=True))
        except ValueError:
            words = tuple(rest.split())
        yield number, keyword.strip('"').lower(), words
