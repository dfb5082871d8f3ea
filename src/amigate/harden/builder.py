"""What a hardening step may do to the machine that is being prepared."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from amigate.check import InconclusiveError
from amigate.errors import HardenError
from amigate.evidence.collector import collect
from amigate.evidence.keep import Keep
from amigate.evidence.model import Entry, Kind, View
from amigate.evidence.questions import Needs, ReadFile
from amigate.harden import template
from amigate.harden.diff import unified

if TYPE_CHECKING:
    from collections.abc import Callable

    from amigate.harden.machine import Machine


class Deed(StrEnum):
    """Kinds of change."""

    WRITE = "write"
    REMOVE = "remove"
    RUN = "run"
    SEAL = "at seal"


@dataclass(frozen=True, kw_only=True)
class Change:
    """One thing that was changed, or would be."""

    deed: Deed
    what: str
    """The path, or the command."""
    diff: str = ""
    """For files: a unified diff without secrets."""


@dataclass(kw_only=True)
class Log:
    """What one step did, or would do."""

    changes: list[Change] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """What a reader should know beside the changes."""


class Builder(ABC):
    """A machine as a step sees it: it asks through facts, and changes only through these methods.

    What is already as it should be is left alone and is no change. Errors are HardenError, or
    ConnectionFailedError when the machine is gone."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.log = Log()
        self.seal_parts: list[str] = []
        """Shell fragments that the seal runs, in order."""
        self._seen: list[View] = []
        """The newest first."""
        self._changed: set[str] = set()
        """Paths that were changed since they were last seen."""

    def look(self, *needs: Needs) -> View:
        """Return what `needs` ask for, as it is now; raises HardenError when nothing can be seen."""
        view = collect(self.machine.open_shell, needs, redactor=None)
        if view.broken:
            raise HardenError(view.broken)
        self._seen.insert(0, view)
        self._changed = {path for path in self._changed if not _covers(view, path)}
        return view

    def entry(self, path: str) -> Entry | None:
        """Return the entry at `path` with its content, None when there is none; as last seen, if it was."""
        for view in self._seen if path not in self._changed else ():
            if _tells(view, path):
                return view.entry(path)
        try:
            return self.look(Needs(first=(ReadFile(path, Keep.WHOLE),))).entry(path)
        except InconclusiveError as error:
            raise HardenError(str(error)) from error

    def forget(self) -> None:
        """Take nothing that was seen before for what is there now."""
        self._seen.clear()

    def write(self, path: str, content: str, *, mode: int | None = None, owner: tuple[int, int] | None = None) -> bool:
        """Make `path` a file with `content`; say whether that was a change.

        Mode and owner (user id, group id) stay as they are when not given; a new file is root's, 0644. A link that
        root made is followed, any other is replaced. Nobody ever sees the file half written."""
        old = self.entry(path)
        before = _text(old)
        if old is not None and before == content and _kept(old, mode, owner):
            return False
        self.log.changes.append(Change(deed=Deed.WRITE, what=path, diff=unified(path, before, content)))
        self._changed.add(path)
        self._write(path, content, mode, owner, old)
        return True

    def render(self, name: str, *, to: str, mode: int | None = None, **values: object) -> bool:
        """Write the template `name`, which lies beside the step, with `values`; say whether that was a change."""
        return self.write(to, template.render(name, **values), mode=mode)

    def remove(self, path: str) -> bool:
        """Remove a file or a link, if it is there; say whether it was."""
        old = self.entry(path)
        if old is None:
            return False
        if old.kind is Kind.DIRECTORY:
            raise HardenError(f"{path} is a directory, not a file")
        self.log.changes.append(Change(deed=Deed.REMOVE, what=path, diff=unified(path, _text(old), None)))
        self._changed.add(path)
        self._remove(path, old)
        return True

    def run(self, title: str, script: str, *, repeat_on_undo: bool = False) -> None:
        """Run a script that changes something; `repeat_on_undo`: again, once a failed step's files are put back."""
        self.log.changes.append(Change(deed=Deed.RUN, what=title))
        self.forget()
        self._run(title, script, repeat=repeat_on_undo)

    def note(self, text: str) -> None:
        """Tell the reader something."""
        self.log.notes.append(text)

    def at_seal(self, name: str, **values: object) -> None:
        """Have the seal run the template `name`, a fragment of POSIX sh (`set -eu`)."""
        self.seal_parts.append(template.render(name, **values))

    @abstractmethod
    def verify(self, check: Callable[[], None]) -> None:
        """Call `check`, which looks whether the changes took effect and raises HardenError if not."""

    @abstractmethod
    def prove_login(self) -> None:
        """Make sure that the login user can still come in and become root; raises HardenError if not."""

    @abstractmethod
    def roll_back(self) -> None:
        """Put back what was changed since the last `keep`."""

    def keep(self) -> Log:
        """End a step: what it did stays. Return its log and begin another."""
        done, self.log = self.log, Log()
        self.forget()
        return done

    @abstractmethod
    def _write(
        self, path: str, content: str, mode: int | None, owner: tuple[int, int] | None, old: Entry | None
    ) -> None: ...

    @abstractmethod
    def _remove(self, path: str, old: Entry) -> None: ...

    @abstractmethod
    def _run(self, title: str, script: str, *, repeat: bool) -> None: ...


class Plan(Builder):
    """Reads the real machine and changes nothing: what a step would do is recorded, and seen by what follows."""

    def __init__(self, machine: Machine) -> None:
        super().__init__(machine)
        self._planned: dict[str, Entry | None] = {}

    def look(self, *needs: Needs) -> View:
        """Return what would be seen once the planned changes were made."""
        view = super().look(*needs)
        for path, planned in self._planned.items():
            if _covers(view, path):
                entries = {other: entry for other, entry in view.entries.items() if other != path}
                absent = view.absent - {path} if planned else view.absent | {path}
                view = replace(view, entries=entries | ({path: planned} if planned else {}), absent=absent)
        self._seen[0] = view
        return view

    def verify(self, check: Callable[[], None]) -> None:
        """Take it for granted: nothing was changed."""

    def prove_login(self) -> None:
        """Take it for granted: nothing was changed."""

    def roll_back(self) -> None:
        """Nothing was changed."""

    def _write(
        self, path: str, content: str, mode: int | None, owner: tuple[int, int] | None, old: Entry | None
    ) -> None:
        data = content.encode("utf-8", "surrogateescape")
        uid, gid = owner or ((old.uid, old.gid) if old else (0, 0))
        self._planned[path] = Entry(
            path=path,
            kind=Kind.FILE,
            mode=mode if mode is not None else old.mode if old else 0o644,
            uid=uid,
            gid=gid,
            size=len(data),
            mtime_s=0,
            content=data,
        )

    def _remove(self, path: str, old: Entry) -> None:
        del old
        self._planned[path] = None

    def _run(self, title: str, script: str, *, repeat: bool) -> None: ...


def _covers(view: View, path: str) -> bool:
    """Whether `view` was asked about `path`."""
    try:
        view.entry(path)
    except InconclusiveError:
        return False
    return True


def _tells(view: View, path: str) -> bool:
    """Whether `view` holds all there is to know of `path`."""
    entry = view.entries.get(path)
    return _covers(view, path) and (entry is None or entry.kind is not Kind.FILE or entry.content is not None)


def _text(entry: Entry | None) -> str | None:
    """Return an entry's content; raises HardenError for what is no file or was not read in full."""
    if entry is None:
        return None
    if entry.kind is Kind.LINK and entry.content is None:
        return ""  # leads nowhere
    if entry.content is None or entry.truncated:
        raise HardenError(f"{entry.path} is no file, or too large to be changed")
    return entry.content.decode("utf-8", "surrogateescape")


def _kept(entry: Entry, mode: int | None, owner: tuple[int, int] | None) -> bool:
    """Whether mode and owner are as asked; those of what a link leads to are not known, and left alone."""
    if entry.kind is Kind.LINK:
        return entry.uid == 0
    return mode in (None, entry.mode) and owner in (None, (entry.uid, entry.gid))
