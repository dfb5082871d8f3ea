"""An XFS file system, read from its blocks."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

from amigate.disk.blocks import Extent, IncompleteError, UnsupportedError
from amigate.disk.reader import MOST_DEPTH
from amigate.disk.xfs import attributes, remote
from amigate.disk.xfs.folders import entries
from amigate.disk.xfs.free import FreeSpace
from amigate.disk.xfs.inodes import Format, Inodes
from amigate.disk.xfs.log import require_clean
from amigate.disk.xfs.mapping import on_device, runs
from amigate.disk.xfs.metadata import Metadata
from amigate.disk.xfs.superblock import read_superblock
from amigate.disk.xfs.walk import Walk

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from amigate.disk.blocks import Blocks
    from amigate.disk.xfs.inodes import Node
    from amigate.evidence.file_system import Inode

_MOST_KEPT_BYTES = 16 * 1024 * 1024
"""Of folders whose names are kept, so that paths are found again without reading."""
_MOST_DAMAGE = 100
_WINDOW = 32 * 1024 * 1024
"""Bytes of a file that are fetched at the same time."""


class Xfs:
    """A `Reader`; raises UnsupportedError or IncompleteError where the file system cannot be read as it is."""

    kind = "xfs"

    def __init__(self, blocks: Blocks) -> None:
        superblock = read_superblock(blocks)
        require_clean(superblock, blocks)
        self.uuid = str(superblock.uuid)
        self.label = superblock.label
        self._damage: list[str] = []
        self._blocks = blocks
        self._metadata = Metadata(superblock, blocks)
        self._inodes = Inodes(superblock, blocks)
        self._root = superblock.root
        self._free = FreeSpace(self._metadata)
        self._folders: dict[int, dict[str, int]] = {}
        self._kept = 0
        if not stat.S_ISDIR(self._inodes.lstat(self._root).mode):
            raise IncompleteError("the root of the XFS file system is no folder")

    @property
    def damage(self) -> Sequence[str]:
        """What walks could not read."""
        return self._damage

    def lstat(self, path: str) -> Inode:
        """Return what is at `path`."""
        return self._inodes.lstat(self._number(path))

    def readlink(self, path: str) -> str:
        """Return where a link leads."""
        node = self._node(path)
        if not stat.S_ISLNK(node.inode.mode):
            raise OSError(f"{path} is no link")
        return remote.target(self._metadata, node).decode("utf-8", "surrogateescape")

    def listdir(self, path: str) -> Iterator[str]:
        """Yield the names in a folder."""
        node = self._node(path)
        if not stat.S_ISDIR(node.inode.mode):
            raise NotADirectoryError(path)
        for names, _ in entries(self._metadata, node):
            yield from names

    def read(self, path: str, cap_bytes: int) -> bytes:
        """Return the first bytes of a regular file; holes, and room that was never written to, are zeros."""
        node = self._regular(path)
        length = min(node.inode.size, cap_bytes)
        content = bytearray(length)
        for window in _windows(self._content(node, length)):
            self._blocks.prefetch([extent for _, extent in window])
            for at, extent in window:
                content[at : at + extent.length] = self._blocks.read(extent.offset, extent.length)
        return bytes(content)

    def walk(self) -> Iterator[tuple[str, Inode]]:
        """Yield every entry below the root."""
        return Walk(self._metadata, self._inodes, self._root, self._note).entries()

    def xattrs(self, path: str) -> Mapping[str, bytes]:
        """Return the extended attributes of what is at `path`."""
        return attributes.xattrs(self._metadata, self._node(path))

    def extents(self, path: str) -> Iterator[Extent]:
        """Yield where the content of a regular file lies on the device."""
        node = self._regular(path)
        for _, extent in self._content(node, node.inode.size):
            yield extent

    def is_free(self, offset: int) -> bool:
        """Whether nothing uses the block that holds a byte of the device."""
        return self._free.holds(offset)

    def _content(self, node: Node, length: int) -> Iterator[tuple[int, Extent]]:
        """Yield where the first bytes of a file lie: in the file, and on the device."""
        block = self._metadata.superblock.block
        for run in runs(self._metadata, node, node.content):
            at = run.logical * block
            if at >= length:
                return
            if run.is_written:
                extent = on_device(self._metadata, run)
                yield at, Extent(extent.offset, min(extent.length, length - at))

    def _regular(self, path: str) -> Node:
        node = self._node(path)
        if not stat.S_ISREG(node.inode.mode):
            raise OSError(f"{path} is no regular file")
        if node.is_realtime:
            raise UnsupportedError(f"{path}: its content lies on a real-time device")
        if node.content.format == Format.LOCAL:
            raise IncompleteError(f"inode {node.inode.number} is damaged: content of a file cannot lie in it")
        return node

    def _node(self, path: str) -> Node:
        return self._inodes.node(self._number(path))

    def _number(self, path: str) -> int:
        """Return the number of the inode at `path`."""
        names = [name for name in path.split("/") if name]
        if len(names) > MOST_DEPTH:
            raise IncompleteError(f"{path}: it lies more than {MOST_DEPTH} folders deep")
        at = self._root
        for name in names:
            found = self._child(at, name, path)
            if found is None:
                raise FileNotFoundError(path)
            at = found
        return at

    def _child(self, number: int, name: str, path: str) -> int | None:
        """Return which inode a name means in a folder, None where it means none."""
        kept = self._folders.get(number)
        if kept is not None:
            return kept.get(name)
        node = self._inodes.node(number)
        if not stat.S_ISDIR(node.inode.mode):
            raise NotADirectoryError(path)
        if node.inode.size > _MOST_KEPT_BYTES:
            found = (numbers[names.index(name)] for names, numbers in entries(self._metadata, node) if name in names)
            return next(found, None)
        kept = {name: number for some in entries(self._metadata, node) for name, number in zip(*some, strict=True)}
        self._kept += node.inode.size
        if self._kept > _MOST_KEPT_BYTES:
            self._folders.clear()
            self._kept = node.inode.size
        self._folders[number] = kept
        return kept.get(name)

    def _note(self, sentence: str) -> None:
        if len(self._damage) < _MOST_DAMAGE:
            self._damage.append(sentence)


def _windows(content: Iterator[tuple[int, Extent]]) -> Iterator[list[tuple[int, Extent]]]:
    """Yield where content lies, as much at once as is fetched at the same time."""
    window: list[tuple[int, Extent]] = []
    size = 0
    for at, extent in content:
        window.append((at, extent))
        size += extent.length
        if size >= _WINDOW:
            yield window
            window, size = [], 0
    yield window
