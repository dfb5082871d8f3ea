"""A file system at rest: what one must be able to tell, and how paths lead through it.

The tree is hostile: links are followed within it, as after chroot(2), so that nothing leads out."""

from __future__ import annotations

import re
import stat
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple, Protocol, runtime_checkable

from amigate.evidence.awaited import each
from amigate.evidence.globs import covers
from amigate.evidence.script import GLOB_LIMIT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_LINKS = 40
"""As many links in one path as Linux follows."""
_ONLY_LIVE = ("/proc", "/sys")
"""Mount points of what the kernel tells; what lies in them at rest is never seen by a running machine."""


class Inode(NamedTuple):
    """What lstat(2) tells."""

    mode: int
    """Type and permission bits."""
    uid: int
    gid: int
    size: int
    mtime_ns: int
    """Nanoseconds since the epoch, by the image's clock."""
    number: int = 0
    """Of the inode; the same for every name of a file that has several."""


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


@runtime_checkable
class Walkable(Protocol):
    """A file system that can be walked as a whole faster than folder by folder."""

    damage: Sequence[str]
    """What a walk could not read, a sentence each."""

    def walk(self) -> Iterator[tuple[str, Inode]]:
        """Yield every entry below the root; raises OSError where it cannot go on."""


@runtime_checkable
class InPieces(Protocol):
    """A file system that reads a large file without holding all of it."""

    def pieces(self, path: str) -> Iterator[bytes]:
        """Yield the content of a regular file piece by piece, without its holes; raises OSError as `read` does."""


@runtime_checkable
class Prefetching(Protocol):
    """A file system whose bytes take a while to come."""

    def prefetch(self, paths: Iterable[str], cap_bytes: int) -> int:
        """Say that the first bytes of regular files will be read soon; return in how many units of 512 KiB they lie.

        What cannot be told of one is no error here."""


class LoopError(OSError):
    """Links that lead nowhere, to the image as to us."""


class OnlyLiveError(OSError):
    """A path into what only a running kernel shows."""


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
        if here in _ONLY_LIVE and waiting:
            raise OnlyLiveError(here)
        mode = files.lstat(here).mode
        if stat.S_ISLNK(mode) and (waiting or follow_last):
            links += 1
            target = files.readlink(here)
            if links > _LINKS or not target:
                raise LoopError(path)
            at = [] if target.startswith("/") else at
            waiting += target.split("/")[::-1]
        elif waiting and not stat.S_ISDIR(mode):
            raise NotADirectoryError(here)
        else:
            at.append(part)
    return "/" + "/".join(at)


def matches(files: FileSystem, pattern: str) -> list[str]:
    """Return the paths that `pattern` means, as sh expands it in the C locale; at most one more than are collected.

    Raises OSError where a folder cannot be looked at."""
    if pattern.startswith(tuple(f"{folder}/" for folder in _ONLY_LIVE)):
        raise OnlyLiveError(pattern)
    found = [""]
    for part in pattern.strip("/").split("/"):
        children = each(found, lambda folder, part=part: list(_children(files, folder, part)))  # type: ignore[misc] # bound now
        found = [path for paths in children for path in paths][: GLOB_LIMIT + 1]
    return found


def _children(files: FileSystem, folder: str, part: str) -> Iterator[str]:
    """Yield what `part` means in `folder`; nothing where that is no folder."""
    with suppress(FileNotFoundError, NotADirectoryError, LoopError):
        real = resolve(files, folder)
        if not re.search(r"[*?]", part):
            files.lstat(resolve(files, f"{folder}/{part}", follow_last=False))
            yield f"{folder}/{part}"
        elif real in _ONLY_LIVE:
            raise OnlyLiveError(real)
        elif stat.S_ISDIR(files.lstat(real).mode):
            names = (name for name in files.listdir(real) if covers(part, name))
            for count, name in enumerate(names):
                if count > GLOB_LIMIT:
                    return
                yield f"{folder}/{name}"
