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

from amigate.detect import logs
from amigate.detect.checkouts import checkouts, is_checkout
from amigate.detect.credentials.index import credentials, kinds_of
from amigate.detect.endpoints import endpoints
from amigate.detect.entropy import random_values
from amigate.detect.heads import HEAD_BYTES, by_head, is_program
from amigate.detect.hits import DETECTORS_VERSION, Hit, Sort
from amigate.detect.initramfs import MOST_PACKED_BYTES, PLACES, UnpackError, named_host_keys, unpacked
from amigate.detect.key_fetch import key_fetches
from amigate.detect.memory import LONGEST_PAGE, memory, swap_page
from amigate.detect.names import by_name, is_named
from amigate.detect.scan import scan, scan_log, scan_pieces, scan_text
from amigate.detect.started import environment_files, is_started, started
from amigate.detect.tunnels import tunnels
from amigate.detect.values import plain
from amigate.evidence.file_system import Prefetching, Walkable, resolve
from amigate.evidence.integrity import Integrity, Told
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
MOST_RANDOM = 100
"""Values that look random; more are nobody's to look at."""
MOST_GAPS = 20
_MOST_ENVIRONMENTS = 500
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
    found = [replace(each, package=owners.get(each.path, "")) for each in going.found] + going.integrity.found
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
    random: int = 0
    is_swap_filled: bool = False
    """Of the file that is being read."""
    environments: set[str] = field(default_factory=set)
    """Files from which units take their environment."""
    deadline: float = field(default_factory=lambda: time.monotonic() + LONGEST_S)
    checked: Told | None = None
    """The file that is being read, as it is compared with what its package brought."""

    def __post_init__(self) -> None:
        self.integrity = Integrity(self.files)

    def go(self) -> None:
        try:
            for path, inode in _asked_ahead(self.files, self._walk()):
                self._count(path)
                if stat.S_ISREG(inode.mode) and inode.size:
                    self._file(path, inode)
            self._environments()
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
        self.checked = self.integrity.of(path, inode)
        told: dict[tuple[object, ...], Found] = {}
        try:
            for hit, line in self._hits(path, inode.size, head):
                if hit.sort is not Sort.ENTROPY or self._is_new(line, told):
                    told.setdefault((hit.sort, line, hit.detail), _found(path, hit, line, head))
            self.integrity.see(self.checked)
        except TooLargeError:
            self._gap(f"{_shown(path)}: it is larger than is searched")
        except UnpackError:
            self._gap(f"{_shown(path)}: this initramfs is packed in a way that is not read, damaged or too large")
        except OSError:
            self._gap(f"{_shown(path)}: it cannot be read in this file system")
        finally:
            self.found += told.values()

    def _is_new(self, line: int | None, told: dict[tuple[object, ...], Found]) -> bool:
        """Whether a value that looks random is not known for what it is, and there are not too many."""
        if self.random >= MOST_RANDOM or any(each.line == line for each in told.values()):
            return False
        self.random += 1
        return True

    def _hits(self, path: str, size: int, head: bytearray) -> Iterator[tuple[Hit, int | None]]:
        """Yield what is found in one file, with the line where it begins."""
        self.is_swap_filled = False
        is_log = logs.PLACES.fullmatch(path) is not None

        def detect(data: bytes, start: int, end: int | None) -> Iterator[Hit]:
            if is_program(bytes(head[:HEAD_BYTES])):
                return scan(data, start, end)
            return (scan_log if is_log else scan_text)(data, start, end)

        for hit, _, line in islice(scan_pieces(self._read(path, head), detect), MOST_FOUND_IN_A_FILE):
            yield hit, line
        if PLACES.fullmatch(path):
            yield from self._in_initramfs(path, size)
        content = bytes(head)
        if is_log and logs.is_packed(content):
            yield from self._in_log(path)
        for hit in (*_of_whole(path, content, size), *memory(path, content, is_swap_filled=self.is_swap_filled)):
            yield hit, content.count(b"\n", 0, hit.offset) + 1 if hit.offset else None
        text = plain(content)
        for hit in self._of_text(path, text, is_whole=size <= len(content), is_new=text is not content):
            yield hit, text.count(b"\n", 0, hit.offset) + 1 if hit.offset >= 0 else None

    def _of_text(self, path: str, text: bytes, *, is_whole: bool, is_new: bool) -> Iterator[Hit]:
        """Yield what a text says by its place; by its content, too, where that is in another encoding."""
        if is_new:
            yield from islice(scan_text(text), MOST_FOUND_IN_A_FILE)
        if kinds_of(path):
            yield from credentials(path, text)
        if is_checkout(path):
            yield from checkouts(path, text)
        if is_started(path):
            self.environments.update(environment_files(text))
            yield from started(text)
        if is_whole:
            yield from random_values(path, text)

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

    def _in_log(self, path: str) -> Iterator[tuple[Hit, None]]:
        """Yield what a packed log or a journal says; that it cannot be read concerns the logs alone."""
        try:
            content = self.files.read(path, logs.MOST_BYTES + 1)
            if len(content) > logs.MOST_BYTES:
                raise UnpackError  # noqa: TRY301 - as when it cannot be unpacked
            said = self._in_time(logs.said(content), path)
            for hit, _, _ in islice(scan_pieces(said, scan_log), MOST_FOUND_IN_A_FILE):
                yield replace(hit, detail=f"{hit.detail}, in what is packed in it"), None
        except UnpackError:
            why = "a log that is packed in a way that is not read, damaged or too large"
            yield Hit(sort=Sort.UNREAD_LOG, offset=0, detail=why), None

    def _environments(self) -> None:
        """Look at the files from which units take their environment, wherever they lie."""
        for path in sorted(self.environments)[:_MOST_ENVIRONMENTS]:
            try:
                real = resolve(self.files, path)
                if not stat.S_ISREG(self.files.lstat(real).mode):
                    continue
                content = self.files.read(real, _WHOLE_BYTES)
            except (FileNotFoundError, NotADirectoryError):
                continue
            except OSError:
                self._gap(f"{_shown(path)}: a unit takes its environment from it, and it cannot be read")
                continue
            text = plain(content)
            for hit in () if is_started(real) else started(text):
                self.found.append(_found(real, hit, text.count(b"\n", 0, hit.offset) + 1, bytearray(content)))

    def _read(self, path: str, head: bytearray) -> Iterator[bytes]:
        """Yield a file's pieces, and keep its beginning in `head`."""
        is_first, page = True, 0
        for piece in self._in_time(pieces(self.files, path), path):
            if len(head) < _WHOLE_BYTES:
                head += piece[: _WHOLE_BYTES - len(head)]
            if is_first:
                page = swap_page(piece[:LONGEST_PAGE])
            if page and not self.is_swap_filled:
                self.is_swap_filled = bool(piece[page if is_first else 0 :].strip(b"\0"))
            is_first = False
            if self.checked is not None:
                self.checked.take(piece)
            yield piece

    def _in_time(self, pieces: Iterator[bytes], path: str) -> Iterator[bytes]:
        """Pass content on as long as there is not too much of it, and time."""
        for piece in pieces:
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
        yield from tunnels(path, content)
        yield from endpoints(path, content)


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
