"""The tree that a machine shows: a file system over several."""

from __future__ import annotations

import stat
from contextlib import suppress
from typing import TYPE_CHECKING

from amigate.disk.blocks import IncompleteError
from amigate.disk.reader import MOST_ENTRIES
from amigate.disk.root.descent import Found, descend
from amigate.disk.root.table import Mount, Unseen
from amigate.evidence.file_system import Inode
from amigate.evidence.pieces import pieces

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from amigate.disk.blocks import Extent
    from amigate.disk.reader import Reader
    from amigate.disk.root.part import Part
    from amigate.disk.root.table import Table

_MOST_DAMAGE = 100
_MADE = Inode(mode=stat.S_IFDIR | 0o755, uid=0, gid=0, size=0, mtime_ns=0)
"""A folder that is only made when something is mounted on it."""


class Tree:
    """A `FileSystem`: what the machine shows of an image, without what it mounts from elsewhere.

    What lies below an unseen place raises IncompleteError. Trees that are no part of it are in `apart`."""

    def __init__(self, table: Table, parts: Sequence[Part]) -> None:
        self._table = table
        self._parts = parts
        self._damage: list[str] = []

    @property
    def root(self) -> Part:
        """The volume that holds the root."""
        return self._table.find("/")[0].part

    @property
    def mounts(self) -> Sequence[Mount]:
        """What is read, in its place; the root first."""
        return [place for place in self._table if isinstance(place, Mount)]

    @property
    def unseen(self) -> Sequence[Unseen]:
        """What the machine mounts and cannot be read here."""
        return [place for place in self._table if isinstance(place, Unseen)]

    @property
    def apart(self) -> Sequence[Part]:
        """The file systems that are read and not mounted, or not as a whole: to be looked at under `Part.prefix`."""
        whole = {id(mount.part) for mount in self.mounts if mount.inner == "/"}
        return [part for part in self._parts if part.reader is not None and id(part) not in whole]

    @property
    def damage(self) -> Sequence[str]:
        """What walks could not read, of every file system in the tree."""
        parts = {id(mount.part): mount.part for mount in self.mounts}
        return [*self._damage, *(f"{part.prefix}{each}" for part in parts.values() for each in _reader(part).damage)]

    def lstat(self, path: str) -> Inode:
        """Return what is at `path`; at a mount point, the root of what is mounted."""
        mount, inner = self._table.find(path)
        try:
            return _reader(mount.part).lstat(inner)
        except (FileNotFoundError, NotADirectoryError):
            if self._table.leads(path):
                return _MADE
            raise

    def readlink(self, path: str) -> str:
        """Return where a link leads."""
        mount, inner = self._table.find(path)
        return _reader(mount.part).readlink(inner)

    def listdir(self, path: str) -> Iterator[str]:
        """Yield the names in a folder; what is mounted in it counts, whether it can be read or not."""
        mount, inner = self._table.find(path)
        mounted = dict.fromkeys(self._table.names(path))
        try:
            for name in _reader(mount.part).listdir(inner):
                mounted.pop(name, None)
                yield name
        except (FileNotFoundError, NotADirectoryError):
            if not mounted:
                raise
        yield from mounted

    def read(self, path: str, cap_bytes: int) -> bytes:
        """Return the first bytes of a regular file."""
        mount, inner = self._table.find(path)
        return _reader(mount.part).read(inner, cap_bytes)

    def prefetch(self, paths: Iterable[str], cap_bytes: int) -> int:
        """Say that the first bytes of regular files will be read soon; return in how many units they lie."""
        places: dict[int, tuple[Reader, list[str]]] = {}
        for path in paths:
            with suppress(IncompleteError):
                mount, inner = self._table.find(path)
                reader = _reader(mount.part)
                places.setdefault(id(reader), (reader, []))[1].append(inner)
        return sum(reader.prefetch(inside, cap_bytes) for reader, inside in places.values())

    def pieces(self, path: str) -> Iterator[bytes]:
        """Yield the content of a regular file, without its holes."""
        mount, inner = self._table.find(path)
        return pieces(_reader(mount.part), inner)

    def xattrs(self, path: str) -> Mapping[str, bytes]:
        """Return the extended attributes of what is at `path`."""
        mount, inner = self._table.find(path)
        return _reader(mount.part).xattrs(inner)

    def extents(self, path: str) -> tuple[Part, Iterator[Extent]]:
        """Return the volume that holds a regular file, and where on it the content lies."""
        mount, inner = self._table.find(path)
        return mount.part, _reader(mount.part).extents(inner)

    def holder(self, path: str) -> tuple[Part, str]:
        """Return the volume that shows `path`, and where on it that is; raises IncompleteError below unseen places."""
        mount, inner = self._table.find(path)
        return mount.part, inner

    def walk(self) -> Iterator[Found]:
        """Yield every entry that the machine shows, one file system after the other.

        What a bind mount shows again comes again. What cannot be read is noted in `damage`; what lies below unseen
        places, and they themselves, do not come."""
        left = MOST_ENTRIES
        for mount in self.mounts:
            for found in self._shown(mount):
                left -= 1
                if left < 0:
                    self._note(f"{found.path}: there are more than {MOST_ENTRIES} entries")
                    return
                yield found

    def hidden(self, path: str) -> Iterator[Found]:
        """Yield what lies below the place of a mount in the file system around it, which the machine does not show.

        Its content is read by `Found.part` and `Found.inner`. Raises IncompleteError where that cannot be told."""
        if path == "/":
            return
        mount, inner = self._table.around(path)
        try:
            inode = _reader(mount.part).lstat(inner)
        except (FileNotFoundError, NotADirectoryError):
            return
        if not stat.S_ISDIR(inode.mode):
            yield Found(path, inode, mount.part, inner)
        else:
            yield from descend(mount.part, inner, path, self._note)

    def _shown(self, mount: Mount) -> Iterator[Found]:
        """Yield what a mount shows, without what other mounts cover."""
        at = mount.at.rstrip("/")
        covered = tuple(f"{place.at}/" for place in self._table if place.at != "/" and place.at.startswith(f"{at}/"))
        reader = _reader(mount.part)
        if mount.at != "/":
            try:
                yield Found(mount.at, reader.lstat(mount.inner), mount.part, mount.inner)
            except OSError as error:
                self._note(f"{mount.at}: {error}")
                return
        if mount.inner == "/":
            entries: Iterator[Found] = (Found(at + path, inode, mount.part, path) for path, inode in reader.walk())
        else:
            entries = descend(mount.part, mount.inner, mount.at, self._note)
        for found in entries:
            if not f"{found.path}/".startswith(covered):
                yield found

    def _note(self, sentence: str) -> None:
        if len(self._damage) < _MOST_DAMAGE:
            self._damage.append(sentence)


def _reader(part: Part) -> Reader:
    """Return the reader of what is mounted."""
    if part.reader is None:
        raise IncompleteError(f"the file system of {part.volume.name} is not read")
    return part.reader
