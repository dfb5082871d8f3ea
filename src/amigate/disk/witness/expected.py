"""What the witness will look up in the file systems of an image, to be rehearsed before it does."""

from __future__ import annotations

import stat
from functools import partial
from typing import TYPE_CHECKING, Protocol

from amigate.disk.root import boot_config, choose, discovered, fstab, mount_units
from amigate.disk.root.texts import is_there, text
from amigate.evidence.awaited import each
from amigate.evidence.file_system import FileSystem, Prefetching, matches, resolve
from amigate.evidence.line_count import counted
from amigate.evidence.questions import Glob, Question, ReadFile, Run
from amigate.evidence.script import GLOB_LIMIT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator


class FarFileSystem(FileSystem, Prefetching, Protocol):
    """A file system whose bytes take a while to come."""


def lookups(files: FarFileSystem, questions: Iterable[Question]) -> Iterator[Callable[[], object]]:
    """Yield what tells whether a file system is a root and what it mounts, and what answers questions about it.

    Each is work of its own for a rehearsal, which depends on none of the others."""
    for path in (*choose.SIGNS, *discovered.LOOKED_FOR):
        yield partial(is_there, files, path)
    yield partial(text, files, fstab.PATH)
    yield partial(boot_config.roots, files)
    yield partial(mount_units.enabled, files)
    yield from (partial(expect, files, question) for question in questions)


def expect(files: FarFileSystem, question: Question) -> None:
    """Look up what a question asks for, and say what content it will read; a search asks for itself.

    Raises OSError where that cannot be told."""
    match question:
        case ReadFile():
            _expect(files, question.path, question.wanted_bytes)
        case Glob():
            found = matches(files, question.pattern)[:GLOB_LIMIT]
            for _ in each(found, lambda path: _expect(files, path, question.wanted_bytes)):
                pass
        case Run():
            path = counted(question)
            if path is not None:
                files.prefetch([resolve(files, path)], question.cap_bytes)


def _expect(files: FarFileSystem, path: str, cap: int) -> None:
    real = resolve(files, path, follow_last=False)
    if stat.S_ISLNK(files.lstat(real).mode):
        files.readlink(real)
    if cap:
        real = resolve(files, path)
        if stat.S_ISREG(files.lstat(real).mode):
            files.prefetch([real], cap + 1)
