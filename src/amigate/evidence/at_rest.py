"""A view of a file system at rest: the collector's questions, answered without running anything of the image.

The file system may be a directory, or one read from an image's blocks: it answers `FileSystem`, and everything that
decides what a view says is here. The tree is hostile: links are followed within it, as after chroot(2), devices,
pipes and sockets are never read, and what cannot be told is unseen, never absent."""

from __future__ import annotations

import re
import stat
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, assert_never

from amigate.check import InconclusiveError
from amigate.evidence.line_count import counted
from amigate.evidence.model import Answer, Entry, Kind, View, at_rest, covers
from amigate.evidence.questions import Glob, Needs, Question, ReadFile, Run
from amigate.evidence.script import GLOB_LIMIT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_ROUNDS = 40
"""Most rounds of questions that follow from each other; a round costs nothing here."""
_LINKS = 40
"""As many links in one path as Linux follows."""
_TOTAL_CAP_BYTES = 64 * 1024 * 1024
"""Most content that one view holds."""
_ONLY_LIVE = ("/proc", "/sys")
"""Mount points of what the kernel tells; what lies in them at rest is never seen by a running machine."""


@dataclass(frozen=True, kw_only=True)
class Inode:
    """What lstat(2) tells."""

    mode: int
    """Type and permission bits."""
    uid: int
    gid: int
    size: int
    mtime_s: int


class FileSystem(Protocol):
    """A file system at rest. Paths are absolute and normalised, and no folder in them is a link.

    Every method raises FileNotFoundError or NotADirectoryError for what is not there, another OSError for what
    cannot be told. Names that are no UTF-8 hold surrogates."""

    def lstat(self, path: str) -> Inode:
        """Return what is at `path`; a link is not followed."""

    def readlink(self, path: str) -> str:
        """Return where a link leads, as written in it."""

    def listdir(self, path: str) -> Iterator[str]:
        """Yield the names in a folder, without `.` and `..`."""

    def read(self, path: str, cap_bytes: int) -> bytes:
        """Return the first `cap_bytes` of a regular file; raise OSError for anything else."""


class _LoopError(OSError):
    """Links that lead nowhere, to the image as to us."""


class _OnlyLiveError(OSError):
    """A path into what only a running kernel shows."""


def look(files: FileSystem, needs: Sequence[Needs]) -> View:
    """Return what `needs` ask for, seen on a file system at rest; a command's answer is unseen."""
    seen = _Seen(files)
    asked: set[Question] = set()
    for _ in range(_ROUNDS):
        view = seen.view()
        questions = dict.fromkeys(each for need in needs for each in (*need.first, *_following(need, view)))
        new = [question for question in questions if question not in asked]
        if not new:
            break
        asked.update(new)
        for question in new:
            seen.answer(question)
    return seen.view()


def resolve(files: FileSystem, path: str, *, follow_last: bool = True) -> str:
    """Return where `path` leads, over links as after chroot(2): nothing leads out of the root.

    With `follow_last` false, a link at the end stays one. Raises OSError as `FileSystem` does."""
    waiting = path.split("/")[::-1]
    at: list[str] = []
    links = 0
    while waiting:
        part = waiting.pop()
        if part in ("", ".", ".."):
            at = at[:-1] if part == ".." else at
            continue
        here = "/" + "/".join([*at, part])
        if here in _ONLY_LIVE:
            raise _OnlyLiveError(here)
        mode = files.lstat(here).mode
        if stat.S_ISLNK(mode) and (waiting or follow_last):
            links += 1
            target = files.readlink(here)
            if links > _LINKS or not target:
                raise _LoopError(path)
            at = [] if target.startswith("/") else at
            waiting += target.split("/")[::-1]
        elif waiting and not stat.S_ISDIR(mode):
            raise NotADirectoryError(here)
        else:
            at.append(part)
    return "/" + "/".join(at)


def _following(need: Needs, view: View) -> Iterable[Question]:
    """Return what follows from the answers so far; what came before a fact could not tell stays."""
    found: list[Question] = []
    if need.then is not None:
        with suppress(InconclusiveError):
            for question in need.then(view):
                found.append(question)  # noqa: PERF402 - what came before the error stays
    return found


@dataclass
class _Seen:
    """What was seen so far."""

    files: FileSystem
    entries: dict[str, Entry] = field(default_factory=dict)
    absent: set[str] = field(default_factory=set)
    globbed: set[str] = field(default_factory=set)
    answers: dict[str, Answer] = field(default_factory=dict)
    unseen: dict[str, str] = field(default_factory=dict)
    total_bytes: int = 0

    def view(self) -> View:
        return View(
            entries=dict(self.entries),
            absent=frozenset(self.absent),
            globbed=frozenset(self.globbed),
            answers=dict(self.answers),
            unseen=dict(self.unseen),
        )

    def answer(self, question: Question) -> None:
        """Answer one question; whatever cannot be told is unseen."""
        try:
            match question:
                case ReadFile(path, cap):
                    self._read(path, cap)
                case Glob(pattern, cap):
                    self._glob(pattern, cap)
                case Run():
                    self._run(question)
                case _:
                    assert_never(question)
        except _OnlyLiveError:
            self.unseen[question.key] = at_rest(question.key)
        except OSError:
            self.unseen[question.key] = f"{question.key}: it cannot be looked at in this file system"

    def _read(self, path: str, cap: int) -> None:
        try:
            entry = self._entry(path, cap)
        except (FileNotFoundError, NotADirectoryError):
            self.absent.add(path)
        else:
            self._keep(entry)

    def _glob(self, pattern: str, cap: int) -> None:
        if re.search(r"[\[\\\0]", pattern):
            self.unseen[pattern] = f"{pattern!r} is no pattern that is read alike everywhere"
            return
        found = matches(self.files, pattern)
        if len(found) > GLOB_LIMIT:
            self.unseen[pattern] = f"{pattern}: more entries match than are collected"
            return
        for path in sorted(found):
            self._keep(self._entry(path, cap))
        self.globbed.add(pattern)

    def _run(self, question: Run) -> None:
        path = counted(question)
        if path is None:
            self.unseen[question.key] = at_rest(question.key)
            return
        lines = self.files.read(resolve(self.files, path), question.cap_bytes).count(b"\n")
        text = f"{lines}\n".encode("ascii")
        self.answers[question.key] = Answer(command=question.command, exit_code=0, stdout=text, stderr=b"")

    def _keep(self, entry: Entry) -> None:
        known = self.entries.get(entry.path)
        if known is None or known.content is None:  # asked twice, the answer with content stays
            self.entries[entry.path] = entry

    def _entry(self, path: str, cap: int) -> Entry:
        real = resolve(self.files, path, follow_last=False)
        inode = self.files.lstat(real)
        kind = _kind(inode.mode)
        content = self._content(path, cap) if cap else None
        return Entry(
            path=path,
            kind=kind,
            mode=stat.S_IMODE(inode.mode),
            uid=inode.uid,
            gid=inode.gid,
            size=inode.size,
            mtime_s=inode.mtime_s,
            target=self.files.readlink(real) if kind is Kind.LINK else "",
            content=None if content is None else content[:cap],
            truncated=content is not None
            and (len(content) > cap or (kind is Kind.FILE and len(content) < min(inode.size, cap))),
        )

    def _content(self, path: str, cap: int) -> bytes | None:
        """Return up to `cap` bytes and one; None where there is no file to read, or it cannot be read."""
        try:
            real = resolve(self.files, path)
            if not stat.S_ISREG(self.files.lstat(real).mode) or self.total_bytes > _TOTAL_CAP_BYTES:
                return None
            content = self.files.read(real, cap + 1)
        except OSError:
            return None
        self.total_bytes += len(content)
        return content


def matches(files: FileSystem, pattern: str) -> list[str]:
    """Return the paths that `pattern` means, as sh expands it in the C locale; at most one more than are collected.

    Raises OSError where a folder cannot be looked at."""
    found = [""]
    for part in pattern.strip("/").split("/"):
        found = [path for folder in found for path in _children(files, folder, part)][: GLOB_LIMIT + 1]
    return found


def _children(files: FileSystem, folder: str, part: str) -> Iterator[str]:
    """Yield what `part` means in `folder`; nothing where that is no folder."""
    with suppress(FileNotFoundError, NotADirectoryError, _LoopError):
        real = resolve(files, folder)
        if not re.search(r"[*?]", part):
            files.lstat(resolve(files, f"{folder}/{part}", follow_last=False))
            yield f"{folder}/{part}"
        elif stat.S_ISDIR(files.lstat(real).mode):
            names = (name for name in files.listdir(real) if covers(part, name))
            for count, name in enumerate(names):
                if count > GLOB_LIMIT:
                    return
                yield f"{folder}/{name}"


def _kind(mode: int) -> Kind:
    kinds = {stat.S_IFREG: Kind.FILE, stat.S_IFDIR: Kind.DIRECTORY, stat.S_IFLNK: Kind.LINK}
    return kinds.get(stat.S_IFMT(mode), Kind.OTHER)
