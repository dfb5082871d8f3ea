"""Following links of an image from entry to entry, by metadata alone."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from amigate.check import InconclusiveError
from amigate.evidence.keep import Keep
from amigate.evidence.model import Kind
from amigate.evidence.questions import Question, ReadFile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from amigate.evidence.model import Entry, View

_LINKS = 8
_NULL = "/dev/null"


def resolved(view: View, path: str) -> Entry | None:
    """Return what `path` names or leads to; None where that is nothing, or /dev/null.

    Raises InconclusiveError for what was not seen, and for links without end."""
    for _ in range(_LINKS):
        if path == _NULL:
            return None
        entry = view.entry(path)
        if entry is None or entry.kind is not Kind.LINK:
            return entry
        path = target(entry)
    raise InconclusiveError(f"{path}: its links lead too far")


def is_filled(view: View, path: str) -> bool:
    """Whether there is something in the file that `path` names or leads to."""
    entry = resolved(view, path)
    return entry is not None and entry.size > 0


def chain(view: View, path: str) -> Iterator[Question]:
    """Ask for what `path` names, and for what it leads to, as far as that is known."""
    for _ in range(_LINKS):
        if path == _NULL:
            return
        yield ReadFile(path, Keep.NOTHING)
        entry = view.entries.get(path)
        if entry is None or entry.kind is not Kind.LINK:
            return
        path = target(entry)


def target(entry: Entry) -> str:
    """Return the path that a link leads to."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(entry.path), entry.target))
