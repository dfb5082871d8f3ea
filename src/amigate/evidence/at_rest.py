"""A view of a file system at rest: the collector's questions, answered without running anything of the image.

The file system may be a directory, or one read from an image's blocks: it answers `FileSystem`, and everything that
decides what a view says is here. The tree is hostile: links are followed within it, as after chroot(2), devices,
pipes and sockets are never read, and what cannot be told is unseen, never absent."""

from __future__ import annotations

import re
import stat
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, assert_never

from amigate.check import AnswerError
from amigate.evidence.brought import Brought
from amigate.evidence.brought import at_rest as brought_at_rest
from amigate.evidence.file_system import FileSystem, OnlyLiveError, matches, resolve
from amigate.evidence.line_count import counted
from amigate.evidence.model import Answer, Entry, Kind, Searched, View, at_rest
from amigate.evidence.questions import Glob, Needs, Question, ReadFile, Run, Search
from amigate.evidence.redaction.redactor import see
from amigate.evidence.script import GLOB_LIMIT
from amigate.evidence.search import search
from amigate.evidence.trust_anchors import ADDED_ANCHORS, added_anchors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from amigate.evidence.redaction.redactor import Redactor

_ROUNDS = 40
"""Most rounds of questions that follow from each other; a round costs nothing here."""
_TOTAL_CAP_BYTES = 64 * 1024 * 1024
"""Most content that one view holds."""


def look(
    files: FileSystem,
    needs: Sequence[Needs],
    *,
    redactor: Redactor | None,
    announce: Callable[[Sequence[Question]], None] = lambda _: None,
) -> View:
    """Return what `needs` ask for, seen on a file system at rest; a command's answer is unseen.

    Of every content there is what `redactor` keeps; None keeps it as it is, for whoever saves nothing. `announce` is
    told what is going to be asked next."""
    if _is_undeployed(files):
        return View(broken="ostree has its systems below /ostree/deploy here, and they are not put together")
    seen = _Seen(files, redactor)
    asked: set[Question] = set()
    for _ in range(_ROUNDS):
        view = seen.view()
        questions = dict.fromkeys(each for need in needs for each in (*need.first, *_following(need, view)))
        new = [question for question in questions if question not in asked]
        if not new:
            break
        asked.update(new)
        announce(new)
        for question in new:
            seen.answer(question)
    return seen.view()


def _is_undeployed(files: FileSystem) -> bool:
    """Whether it is the file system in which ostree keeps systems, and none of them.

    https://ostreedev.github.io/ostree/deployment/"""
    return _is_there(files, "/ostree/deploy") and not _is_there(files, "/usr")


def _is_there(files: FileSystem, path: str) -> bool:
    with suppress(OSError):
        files.lstat(resolve(files, path))
        return True
    return False


def _following(need: Needs, view: View) -> Iterable[Question]:
    """Return what follows from the answers so far; what came before a fact could not tell stays."""
    found: list[Question] = []
    if need.then is not None:
        with suppress(AnswerError):
            for question in need.then(view):
                found.append(question)  # noqa: PERF402 - what came before the error stays
    return found


@dataclass
class _Seen:
    """What was seen so far."""

    files: FileSystem
    redactor: Redactor | None
    entries: dict[str, Entry] = field(default_factory=dict)
    absent: set[str] = field(default_factory=set)
    globbed: set[str] = field(default_factory=set)
    answers: dict[str, Answer] = field(default_factory=dict)
    unseen: dict[str, str] = field(default_factory=dict)
    searches: dict[str, Searched] = field(default_factory=dict)
    total_bytes: int = 0

    def view(self) -> View:
        return View(
            entries=dict(self.entries),
            absent=frozenset(self.absent),
            globbed=frozenset(self.globbed),
            answers=dict(self.answers),
            unseen=dict(self.unseen),
            searches=dict(self.searches),
        )

    def answer(self, question: Question) -> None:
        """Answer one question; whatever cannot be told is unseen."""
        try:
            match question:
                case ReadFile():
                    self._read(question)
                case Glob():
                    self._glob(question)
                case Run():
                    self._run(question)
                case Search(folder):
                    self.searches[question.key] = search(self.files, folder)
                case _:
                    assert_never(question)
        except OnlyLiveError:
            self.unseen[question.key] = at_rest(question.key)
        except OSError:
            self.unseen[question.key] = f"{question.key}: it cannot be looked at in this file system"

    def _read(self, question: ReadFile) -> None:
        try:
            self._see(question.path, question)
        except (FileNotFoundError, NotADirectoryError):
            self.absent.add(question.path)

    def _glob(self, question: Glob) -> None:
        pattern = question.pattern
        if re.search(r"[\[\\\0]", pattern):
            self.unseen[pattern] = f"{pattern!r} is no pattern that is read alike everywhere"
            return
        found = matches(self.files, pattern)
        if len(found) > GLOB_LIMIT:
            self.unseen[pattern] = f"{pattern}: more entries match than are collected"
            return
        for path in sorted(found):
            self._see(path, question)
        self.globbed.add(pattern)

    def _run(self, question: Run) -> None:
        if isinstance(question, Brought):
            self._answer(question, brought_at_rest(self.files, question.paths))
            return
        if question == ADDED_ANCHORS:
            self._answer(question, added_anchors(self.files))
            return
        path = counted(question)
        if path is None:
            self.unseen[question.key] = at_rest(question.key)
            return
        lines = self.files.read(resolve(self.files, path), question.cap_bytes).count(b"\n")
        self._answer(question, f"{lines}\n")

    def _answer(self, question: Run, text: str) -> None:
        raw = text.encode("utf-8", "surrogateescape")
        answer = Answer(command=question.command, exit_code=0, stdout=raw, stderr=b"")
        self.answers[question.key] = self.redactor.answer(answer, question.keep) if self.redactor else answer

    def _see(self, path: str, question: ReadFile | Glob) -> None:
        entry = self._entry(path, question.wanted_bytes)
        see(self.redactor.entry(entry, question.keep) if self.redactor else entry, self.entries)

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
            mtime_s=inode.mtime_ns // 10**9,
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


def _kind(mode: int) -> Kind:
    kinds = {stat.S_IFREG: Kind.FILE, stat.S_IFDIR: Kind.DIRECTORY, stat.S_IFLNK: Kind.LINK}
    return kinds.get(stat.S_IFMT(mode), Kind.OTHER)
