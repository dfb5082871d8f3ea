"""A directory that holds a root file system, as a file system at rest.

Every path is walked from the root's own descriptor, folder by folder, and no link is followed on the way
(O_NOFOLLOW): nothing in the tree leads out of it. Whoever looks needs to be root to see all of it; what an ordinary
user cannot see is unseen."""

from __future__ import annotations

import errno
import os
import stat
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from amigate.evidence.at_rest import look
from amigate.evidence.file_system import Inode
from amigate.evidence.model import View

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from types import TracebackType
    from typing import BinaryIO, Self

    from amigate.evidence.questions import Needs
    from amigate.evidence.redaction.redactor import Redactor

_FOLDER = os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC

_PIECE_BYTES = 4 * 1024 * 1024


def read_directory(root: Path, needs: Sequence[Needs], *, redactor: Redactor | None) -> View:
    """Return what `redactor` keeps of what `needs` ask for, seen in the tree below `root`; None keeps all of it.

    The view is broken where `root` is no folder."""
    try:
        with Directory(root) as files:
            return look(files, needs, redactor=redactor)
    except OSError:
        return View(broken="the directory cannot be opened")


class Directory:
    """A `FileSystem` over a directory; a context manager."""

    def __init__(self, root: Path) -> None:
        self._root = os.open(root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        os.close(self._root)

    def lstat(self, path: str) -> Inode:
        """Return what is at `path`."""
        with self._folder_of(path) as (folder, name):
            found = os.stat(name, dir_fd=folder, follow_symlinks=False)
        return Inode(
            mode=found.st_mode,
            uid=found.st_uid,
            gid=found.st_gid,
            size=found.st_size,
            mtime_ns=found.st_mtime_ns,
            number=found.st_ino,
        )

    def readlink(self, path: str) -> str:
        """Return where a link leads."""
        with self._folder_of(path) as (folder, name):
            return os.readlink(name, dir_fd=folder)

    def listdir(self, path: str) -> Iterator[str]:
        """Yield the names in a folder."""
        with self._folder_of(path) as (folder, name):
            opened = os.open(name, os.O_RDONLY | _FOLDER, dir_fd=folder)
        try:
            with os.scandir(opened) as entries:
                for entry in entries:
                    yield entry.name
        finally:
            os.close(opened)

    def read(self, path: str, cap_bytes: int) -> bytes:
        """Return the first bytes of a regular file; nothing else is ever opened."""
        with self._opened(path) as file:
            return file.read(cap_bytes)

    def pieces(self, path: str) -> Iterator[bytes]:
        """Yield the content of a regular file, without its holes."""
        with self._opened(path) as file:
            at, size = 0, os.fstat(file.fileno()).st_size
            while at < size and (at := _next_data(file.fileno(), at)) < size:
                file.seek(at)
                piece = file.read(_PIECE_BYTES)
                if not piece:
                    return
                at += len(piece)
                yield piece

    @contextmanager
    def _opened(self, path: str) -> Iterator[BinaryIO]:
        with self._folder_of(path) as (folder, name):
            if not stat.S_ISREG(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
                raise OSError(f"{path} is no regular file")
            opened = os.open(name, _FILE, dir_fd=folder)
        with os.fdopen(opened, "rb", buffering=0) as file:
            if not stat.S_ISREG(os.fstat(opened).st_mode):
                raise OSError(f"{path} is no regular file")
            yield file

    @contextmanager
    def _folder_of(self, path: str) -> Iterator[tuple[int, str]]:
        """Open the folder that holds `path`; yield its descriptor, and the name in it."""
        *folders, name = path.strip("/").split("/")
        at = os.dup(self._root)
        try:
            for folder in folders:
                below = os.open(folder, os.O_PATH | _FOLDER, dir_fd=at)
                os.close(at)
                at = below
            yield at, name or "."
        finally:
            os.close(at)


def _next_data(opened: int, at: int) -> int:
    """Return where the next data begin, at `at` or behind a hole; the end of all files where there are none."""
    try:
        return os.lseek(opened, at, os.SEEK_DATA)
    except OSError as error:
        return sys.maxsize if error.errno == errno.ENXIO else at
