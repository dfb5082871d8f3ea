"""The SSH host keys that lie in an image at rest, wherever: by their names, and where sshd is told to find them."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING

from amigate.check import InconclusiveError
from amigate.detect.hits import Sort
from amigate.detect.names import is_host_key
from amigate.evidence.keep import Keep
from amigate.evidence.model import Kind
from amigate.evidence.questions import Needs, Question, ReadFile
from amigate.facts import secrets, sshd
from amigate.facts.host_keys import CLOCK
from amigate.facts.secrets import SEARCH, finding
from amigate.result import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from amigate.evidence.model import Entry, Searched, View

KEYWORDS = frozenset({"hostkey", "hostdsakey", "hostcertificate"})
_LINKS = 8


@dataclass(frozen=True, kw_only=True)
class StoredHostKeys:
    """What of host keys is in the image."""

    all: tuple[Finding, ...]
    searched: Searched
    gaps: tuple[str, ...]
    """Why it is not known where sshd looks for host keys, or what lies there."""

    @classmethod
    def read(cls, view: View) -> StoredHostKeys:
        """Take what the search found, and look where sshd does; raises InconclusiveError where nobody searched."""
        searched = view.search(SEARCH.key)
        found: dict[str, Finding] = {}
        for each in searched.found:
            named = each.sort is Sort.HOST_KEY or (each.sort is Sort.PRIVATE_KEY and is_host_key(each.path))
            if named and not each.package and (each.path not in found or each.sort is Sort.PRIVATE_KEY):
                found[each.path] = finding(each)
        gaps = []
        try:
            for path in configured(view):
                if path not in found and _is_filled(view, path):
                    found[path] = Finding(path=path, detail="sshd is told to take its host key from it")
        except InconclusiveError as error:
            gaps.append(str(error))
        return cls(all=tuple(found[path] for path in sorted(found)), searched=searched, gaps=tuple(gaps))

    def require_whole(self) -> None:
        """Raise InconclusiveError where something was not looked at."""
        self.searched.require_whole()
        if self.gaps:
            raise InconclusiveError(self.gaps[0])


def configured(view: View) -> list[str]:
    """Return where sshd's files tell it to look for host keys and their certificates; nowhere without sshd."""
    if sshd.asked_program(view) is None:
        return []
    lines = sshd.lines_of(view, sshd.running_server(view))
    words = [word for line in lines if line.keyword in KEYWORDS for word in line.words[:1]]
    return [word for word in dict.fromkeys(words) if word.startswith("/")]


def _is_filled(view: View, path: str) -> bool:
    """Whether there is something in the file that `path` names or leads to."""
    for _ in range(_LINKS):
        entry = view.entry(path)
        if entry is None or entry.kind is not Kind.LINK:
            return entry is not None and entry.size > 0
        path = _target(entry)
    raise InconclusiveError(f"{path}: its links lead too far")


def _target(entry: Entry) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(entry.path), entry.target))


def _chain(view: View, path: str) -> Iterator[Question]:
    """Ask for what `path` names, and for what it leads to."""
    for _ in range(_LINKS):
        yield ReadFile(path, Keep.NOTHING)
        entry = view.entries.get(path)
        if entry is None or entry.kind is not Kind.LINK:
            return
        path = _target(entry)


def _then(view: View) -> Iterator[Question]:
    if view.is_at_rest(CLOCK.key):
        yield SEARCH
        for path in configured(view):
            yield from _chain(view, path)


NEEDS = Needs(first=secrets.NEEDS.first, then=_then)
