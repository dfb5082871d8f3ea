"""A search of a tree at rest: every file is put to the detectors, and nothing but what they say is kept.

The tree is hostile: links are not followed, only regular files are read, and entries, depth, bytes and time have
limits. Whatever was not looked at is a gap, so that no search counts as clean which was not made to the end."""

from __future__ import annotations

import stat
import time
from collections import deque
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING

from amigate.detect.heads import HEAD_BYTES, by_head, is_program
from amigate.detect.hits import DETECTORS_VERSION, Hit
from amigate.detect.initramfs import MOST_PACKED_BYTES, PLACES, UnpackError, named_host_keys, unpacked
from amigate.detect.key_fetch import key_fetches
from amigate.detect.names import by_name, is_named
from amigate.detect.scan import scan_pieces
from amigate.evidence.file_system import Prefetching, Walkable
from amigate.evidence.model import Found, Searched
from amigate.evidence.pieces import TooLargeError, pieces
from amigate.evidence.shipped import shipped
from amigate.report.escape import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from amigate.evidence.file_system import FileSystem, Inode

MOST_ENTRIES = 5_000_000
MOST_DEPTH = 256
MOST_BYTES = 64 * 1024**3
"""Of content, all files together."""
LONGEST_S = 1800.0
MOST_FOUND = 2000
MOST_FOUND_IN_A_FILE = 20
MOST_GAPS = 20
_AHEAD_BYTES = 1024 * 1024
"""Of one file that are asked for ahead; who reads more of it asks for the rest."""
_AHEAD_UNITS = 64
"""That are asked for and not read: twice as many as come at the same time."""
_BATCH, _MOST_BATCHES = 32, 64
"""Entries that are asked for at once, and how often before the first of them is looked at."""
_WHOLE_BYTES = 1024 * 1024
"""Of a file whose name says something, or that may be a script: so much is looked at as a whole."""


def search(files: FileSystem, folder: str = "/") -> Searched:
    """Return what the detectors find in the regular files below `folder`."""
    going = _Search(files, folder)
    going.go()
    owners = shipped(files, {found.path for found in going.found})
    found = [replace(each, package=owners.get(each.path, "")) for each in going.found]
    return Searched(
        detectors=DETECTORS_VERSION,
        found=tuple(sorted(found, key=lambda each: (each.path, each.line or 0, each.sort, each.detail))),
        gaps=tuple(going.gaps),
        entries=going.entries,
        size_bytes=going.size_bytes,
    )


class _EnoughError(Exception):
    """A limit of the whole search was reached."""


@dataclass
class _Search:
    files: FileSystem
    folder: str
    found: list[Found] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)
    entries: int = 0
    size_bytes: int = 0
    deadline: float = field(default_factory=lambda: time.monotonic() + LONGEST_S)

    def go(self) -> None:
        try:
            for path, inode in _asked_ahead(self.files, self._walk()):
                self._count(path)
                if stat.S_ISREG(inode.mode) and inode.size:
                    self._file(path, inode)
        except _EnoughError as error:
            self.gaps.insert(0, str(error))
        except OSError:
            self._gap("the file system cannot be walked to the end")
        for damage in self.files.damage if isinstance(self.files, Walkable) else ():
            self._gap(damage)

    def _walk(self) -> Iterator[tuple[str, Inode]]:
        if isinstance(self.files, Walkable) and self.folder == "/":
            return self.files.walk()
        return self._step_by_step()

    def _step_by_step(self) -> Iterator[tuple[str, Inode]]:
        waiting = deque([self.folder.rstrip("/")])
        while waiting:
            folder = waiting.popleft()
            if folder.count("/") > MOST_DEPTH:
                self._gap(f"{_shown(folder)}: it lies too deep to be looked at")
                continue
            try:
                for name in self.files.listdir(folder or "/"):
                    path = f"{folder}/{name}"
                    inode = self.files.lstat(path)
                    if stat.S_ISDIR(inode.mode):
                        waiting.append(path)
                    yield path, inode
            except OSError:
                self._gap(f"{_shown(folder) or '/'}: it cannot be looked at in this file system")

    def _count(self, path: str) -> None:
        self.entries += 1
        if self.entries > MOST_ENTRIES:
            raise _EnoughError("there are more files than are searched")
        if time.monotonic() > self.deadline:
            raise _EnoughError(f"the search had not ended after {LONGEST_S:.0f} s, at {_shown(path)}")
        if len(self.found) >= MOST_FOUND:
            raise _EnoughError("more was found than is kept")

    def _file(self, path: str, inode: Inode) -> None:
        head = bytearray()
        told: dict[tuple[object, ...], Found] = {}
        try:
            for hit, line in self._hits(path, inode.size, head):
                told.setdefault((hit.sort, line, hit.detail), _found(path, hit, line, head))
        except TooLargeError:
            self._gap(f"{_shown(path)}: it is larger than is searched")
        except UnpackError:
            self._gap(f"{_shown(path)}: this initramfs is packed in a way that is not read, damaged or too large")
        except OSError:
            self._gap(f"{_shown(path)}: it cannot be read in this file system")
        finally:
            self.found += told.values()

    def _hits(self, path: str, size: int, head: bytearray) -> Iterator[tuple[Hit, int | None]]:
        """Yield what is found in one file, with the line where it begins."""
        for hit, _, line in islice(scan_pieces(self._read(path, head)), MOST_FOUND_IN_A_FILE):
            yield hit, line
        if PLACES.fullmatch(path):
            yield from self._in_initramfs(path, size)
        content = bytes(head)
        for hit in _of_whole(path, content, size):
            yield hit, content.count(b"\n", 0, hit.offset) + 1 if hit.offset else None

    def _in_initramfs(self, path: str, size: int) -> Iterator[tuple[Hit, None]]:
        """Yield what is found within an initramfs; it has no lines."""
        if size > MOST_PACKED_BYTES:
            raise TooLargeError(path)
        named: list[Hit] = []
        content = named_host_keys(unpacked(b"".join(pieces(self.files, path))), named)
        for hit, _, _ in islice(scan_pieces(content), MOST_FOUND_IN_A_FILE):
            yield replace(hit, detail=f"{hit.detail}, in the initramfs"), None
        for hit in named:
            yield hit, None

    def _read(self, path: str, head: bytearray) -> Iterator[bytes]:
        """Yield a file's pieces, and keep its beginning in `head`."""
        for piece in pieces(self.files, path):
            if len(head) < _WHOLE_BYTES:
                head += piece[: _WHOLE_BYTES - len(head)]
            self.size_bytes += len(piece)
            if self.size_bytes > MOST_BYTES or time.monotonic() > self.deadline:
                raise _EnoughError(f"there is more content than is searched, from {_shown(path)} on")
            yield piece

    def _gap(self, why: str) -> None:
        if len(self.gaps) < MOST_GAPS:
            self.gaps.append(why)


def _asked_ahead(files: FileSystem, entries: Iterator[tuple[str, Inode]]) -> Iterator[tuple[str, Inode]]:
    """Yield entries; where files take a while to come, those behind them are asked for before."""
    if not isinstance(files, Prefetching):
        yield from entries
        return
    waiting: deque[tuple[list[tuple[str, Inode]], int]] = deque()
    asked = 0
    while batch := list(islice(entries, _BATCH)):
        units = files.prefetch([path for path, inode in batch if stat.S_ISREG(inode.mode)], _AHEAD_BYTES)
        waiting.append((batch, units))
        asked += units
        while asked > _AHEAD_UNITS or len(waiting) > _MOST_BATCHES:
            batch, units = waiting.popleft()
            asked -= units
            yield from batch
    for batch, _ in waiting:
        yield from batch


def _of_whole(path: str, content: bytes, size: int) -> Iterator[Hit]:
    """Yield what name and beginning say; where only the beginning is known, it does not say that a file is harmless."""
    yield from by_head(path.rpartition("/")[2], content[:HEAD_BYTES], size)
    if is_named(path):
        yield from by_name(path, content, is_whole=size <= len(content))
    if size <= len(content):
        yield from key_fetches(path, content)


def _found(path: str, hit: Hit, line: int | None, head: bytearray) -> Found:
    return Found(
        path=path,
        sort=hit.sort,
        line=line,
        detail=hit.detail,
        fingerprint=hit.fingerprint,
        in_program=is_program(bytes(head[:HEAD_BYTES])),
    )


def _shown(path: str) -> str:
    return printable(path if len(path) <= 200 else f"{path[:200]}…")  # noqa: PLR2004 - enough to find it
