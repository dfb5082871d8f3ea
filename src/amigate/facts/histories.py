"""The histories that shells and tools keep in homes: that they are there, how large, how many lines; never a line.

Homes come from passwd, not from a listing of /home; leftovers of accounts that are gone are looked for there too."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING

from amigate.check import InconclusiveError
from amigate.evidence.keep import Keep
from amigate.evidence.line_count import CAP_BYTES, count_lines
from amigate.evidence.model import Kind
from amigate.evidence.questions import Glob, Needs, Question, ReadFile
from amigate.facts import accounts
from amigate.facts.accounts import Accounts
from amigate.facts.homes import homes
from amigate.facts.links import resolved, target
from amigate.result import Finding

if TYPE_CHECKING:
    from amigate.evidence.model import Entry, View

NAMES = (
    ".*hist*",
    ".*hst*",
    ".viminfo",
    ".config/*/*hist*",
    ".local/*/*hist*",
    ".local/*/*/*hist*",
    ".mongodb/*/*hist*",
)
"""Shells, editors, database clients, interpreters: `.bash_history`, `.lesshst`, `.wget-hsts`, fish's, mongosh's …"""
_LINKS = 8


@dataclass(frozen=True, kw_only=True)
class History:
    """A history file; never what it says."""

    path: str
    size_bytes: int
    """Of the file that a link leads to."""
    lines: int | None
    """None where they were not counted: an empty file, or a very large one."""

    def finding(self) -> Finding:
        """Return the finding that it is there."""
        lines = "" if self.lines is None else f" in {self.lines} lines"
        return Finding(path=self.path, detail=f"a history of {self.size_bytes} bytes{lines}")


@dataclass(frozen=True, kw_only=True)
class Histories:
    """The history files of every home, sorted by path."""

    all: tuple[History, ...]

    @classmethod
    def read(cls, view: View) -> Histories:
        """Read what was seen; raises InconclusiveError when a home could not be looked through."""
        Accounts.read(view).require_all_seen()
        found = {entry.path for pattern in _patterns(view) for entry in view.glob(pattern)}
        histories = []
        for path in sorted(found):
            file = _file(view, path)
            if file is not None:
                histories.append(History(path=path, size_bytes=file.size, lines=_lines(view, file)))
        return cls(all=tuple(histories))

    def filled(self) -> list[Finding]:
        """Find the histories that hold anything."""
        return [history.finding() for history in self.all if history.size_bytes > 0]


def _patterns(view: View) -> list[str]:
    """Return every pattern to look for, in every home: each is a line of the collector's script."""
    return [posixpath.join(home, name) for home in homes(view) for name in NAMES]


def _file(view: View, path: str) -> Entry | None:
    """Return the file that `path` names or leads to; None for a folder, a device, or a link to nothing."""
    entry = resolved(view, path)
    return entry if entry is not None and entry.kind is Kind.FILE else None


def _is_counted(file: Entry) -> bool:
    return 0 < file.size <= CAP_BYTES


def _lines(view: View, file: Entry) -> int | None:
    if not _is_counted(file):
        return None
    answer = view.answer(count_lines(file.path).key)
    if answer.exit_code != 0 or not answer.text.strip().isdecimal():
        raise InconclusiveError(f"{file.path}: its lines could not be counted")
    return int(answer.text)


def _then(view: View) -> list[Question]:
    """Look through the homes, follow links, then count the lines of what is not empty."""
    questions: list[Question] = [Glob(pattern, Keep.NOTHING) for pattern in _patterns(view)]
    for pattern in _patterns(view):
        for entry in view.glob(pattern) if pattern in view.globbed else ():
            questions += _about(view, entry)
    return questions


def _about(view: View, entry: Entry) -> list[Question]:
    links: list[Question] = []
    for _ in range(_LINKS):
        if entry.kind is Kind.FILE:
            return [*links, count_lines(entry.path)] if _is_counted(entry) else links
        if entry.kind is not Kind.LINK:
            break
        path = target(entry)
        links.append(ReadFile(path, Keep.NOTHING))
        if path not in view.entries:
            break
        entry = view.entries[path]
    return links


NEEDS = Needs(first=accounts.NEEDS.first, then=_then)
