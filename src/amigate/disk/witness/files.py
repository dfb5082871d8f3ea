"""All files of an image: those that its machine shows, those behind mounts, and those of volumes it does not mount."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from amigate.evidence.pieces import pieces

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from amigate.disk.reader import Reader
    from amigate.disk.root.part import Part
    from amigate.disk.root.tree import Tree
    from amigate.evidence.file_system import Inode


class Files:
    """A `FileSystem` and `Walkable`: the machine's tree, and a walk that leaves out no file of the image.

    What the tree does not show is walked as `[VOLUME]/path`, and read by that path."""

    def __init__(self, tree: Tree, parts: Sequence[Part]) -> None:
        self._tree = tree
        self._prefixes: dict[int, str] = {}
        self._readers: dict[str, Reader] = {}
        for part in parts:
            if part.reader is not None:
                prefix = (
                    part.prefix if part.prefix not in self._readers else f"[{part.volume.name} {len(self._readers)}]"
                )
                self._prefixes[id(part)] = prefix
                self._readers[prefix] = part.reader
        self._damage: list[str] = []

    @property
    def damage(self) -> Sequence[str]:
        """What walks could not read, and where the machine mounts something of the image that is not read."""
        mounted = {id(mount.part) for mount in self._tree.mounts}
        apart = [(self._prefixes[id(part)], part) for part in self._tree.apart if id(part) not in mounted]
        unread = [f"{place.at}: {place.reason}" for place in self._tree.unseen if place.may_hide]
        more = [f"{prefix}{each}" for prefix, _ in apart for each in self._readers[prefix].damage]
        return [*self._damage, *self._tree.damage, *more, *unread]

    def lstat(self, path: str) -> Inode:
        """Return what is at `path`."""
        files, inner = self._of(path)
        return files.lstat(inner)

    def readlink(self, path: str) -> str:
        """Return where a link leads."""
        files, inner = self._of(path)
        return files.readlink(inner)

    def listdir(self, path: str) -> Iterator[str]:
        """Yield the names in a folder."""
        files, inner = self._of(path)
        return files.listdir(inner)

    def read(self, path: str, cap_bytes: int) -> bytes:
        """Return the first bytes of a regular file."""
        files, inner = self._of(path)
        return files.read(inner, cap_bytes)

    def prefetch(self, paths: Iterable[str], cap_bytes: int) -> int:
        """Say that the first bytes of regular files will be read soon; return in how many units they lie."""
        places: dict[int, tuple[Tree | Reader, list[str]]] = {}
        for path in paths:
            files, inner = self._of(path)
            places.setdefault(id(files), (files, []))[1].append(inner)
        return sum(files.prefetch(inside, cap_bytes) for files, inside in places.values())

    def pieces(self, path: str) -> Iterator[bytes]:
        """Yield the content of a regular file, without its holes."""
        files, inner = self._of(path)
        return pieces(files, inner)

    def name(self, part: Part, path: str) -> str:
        """Return the path by which a file of a volume is found here; that of the machine where it shows the file."""
        for mount in self._tree.mounts:
            if mount.part is part and mount.inner == "/":
                shown = f"{mount.at.rstrip('/')}{path}"
                with suppress(OSError):
                    if self._tree.holder(shown) == (part, path):
                        return shown
        return f"{self._prefixes[id(part)]}{path}"

    def walk(self) -> Iterator[tuple[str, Inode]]:
        """Yield every entry of every file system that is read."""
        for found in self._tree.walk():
            yield found.path, found.inode
        for at in (*(mount.at for mount in self._tree.mounts), *(place.at for place in self._tree.unseen)):
            yield from self._behind(at)
        for part in self._tree.apart:
            prefix = self._prefixes[id(part)]
            yield from ((f"{prefix}{path}", inode) for path, inode in self._readers[prefix].walk())

    def _behind(self, place: str) -> Iterator[tuple[str, Inode]]:
        """Yield what a mount hides."""
        try:
            for found in self._tree.hidden(place):
                yield f"{self._prefixes[id(found.part)]}{found.inner}", found.inode
        except OSError as error:
            self._damage.append(f"{place}: what is mounted over cannot be told: {error}")

    def _of(self, path: str) -> tuple[Tree | Reader, str]:
        """Return which file system a path is of, and where in it."""
        prefix, slash, inner = path.partition("]/")
        reader = self._readers.get(f"{prefix}]") if slash and path.startswith("[") else None
        return (self._tree, path) if reader is None else (reader, f"/{inner}")
