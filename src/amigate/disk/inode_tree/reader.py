"""A file system with inodes, read by paths and as a whole: all of a `Reader` but its free space."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING, Generic

from amigate.disk.blocks import Extent, IncompleteError
from amigate.disk.inode_tree.ahead import units_of
from amigate.disk.inode_tree.nodes import NodeT
from amigate.disk.inode_tree.runs import on_device
from amigate.disk.inode_tree.walk import Walk
from amigate.disk.reader import MOST_DEPTH
from amigate.disk.stream import stream
from amigate.evidence.awaited import each

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from amigate.disk.inode_tree.names import Names
    from amigate.disk.inode_tree.nodes import Nodes
    from amigate.evidence.file_system import Inode

_MOST_KEPT_BYTES = 16 * 1024 * 1024
"""Of folders whose names are kept, so that paths are found again without reading."""
_MOST_DAMAGE = 100
_WINDOW = 32 * 1024 * 1024
"""Bytes of a file that are fetched at the same time."""


class TreeReader(Generic[NodeT]):
    """Answers by path what `nodes` tell by number."""

    def __init__(self, nodes: Nodes[NodeT], *, kind: str, uuid: str, label: str) -> None:
        self.kind = kind
        self.uuid = uuid
        self.label = label
        self.block_bytes = 1 << nodes.block_log
        self._nodes = nodes
        self._damage: list[str] = []
        self._folders: dict[int, dict[str, int]] = {}
        self._kept = 0
        if not stat.S_ISDIR(nodes.lstat(nodes.root).mode):
            raise IncompleteError(f"the root of the {kind} file system is no folder")

    @property
    def damage(self) -> Sequence[str]:
        """What walks could not read, and what the file system says of itself."""
        return self._damage

    def lstat(self, path: str) -> Inode:
        """Return what is at `path`."""
        return self._nodes.lstat(self._number(path))

    def readlink(self, path: str) -> str:
        """Return where a link leads."""
        node = self._node(path)
        if not stat.S_ISLNK(node.inode.mode):
            raise OSError(f"{path} is no link")
        return self._nodes.target(node).decode("utf-8", "surrogateescape")

    def listdir(self, path: str) -> Iterator[str]:
        """Yield the names in a folder."""
        node = self._node(path)
        if not stat.S_ISDIR(node.inode.mode):
            raise NotADirectoryError(path)
        for names, _ in self._entries(node):
            yield from names

    def read(self, path: str, cap_bytes: int) -> bytes:
        """Return the first bytes of a regular file; holes, and room that was never written to, are zeros."""
        node = self._regular(path)
        inside = self._nodes.inside(node)
        if inside is not None:
            return inside[:cap_bytes]
        length = min(node.inode.size, cap_bytes)
        content = bytearray(length)
        for window in _windows(self._content(node, length)):
            self._nodes.blocks.prefetch([extent for _, extent in window])
            for at, extent in window:
                content[at : at + extent.length] = self._nodes.blocks.read(extent.offset, extent.length)
        return bytes(content)

    def prefetch(self, paths: Iterable[str], cap_bytes: int) -> int:
        """Say that the first bytes of regular files will be read soon; return in how many units they lie."""
        wanted: list[Extent] = []
        for extents in each(paths, lambda path: self._first(path, cap_bytes)):
            wanted += extents
        self._nodes.blocks.prefetch(wanted)
        return len({unit for extent in wanted for unit in units_of(extent)})

    def _first(self, path: str, cap_bytes: int) -> list[Extent]:
        """Return where the first bytes of a regular file lie; nothing where that cannot be told."""
        try:
            node = self._regular(path)
            if self._nodes.inside(node) is None:
                return [extent for _, extent in self._content(node, min(node.inode.size, cap_bytes))]
        except OSError:
            pass
        return []

    def pieces(self, path: str) -> Iterator[bytes]:
        """Yield the content of a regular file, without its holes."""
        inside = self._nodes.inside(self._regular(path))
        if inside is not None:
            yield inside
        for _, data in stream(self._nodes.blocks, self.extents(path)):
            yield data

    def walk(self) -> Iterator[tuple[str, Inode]]:
        """Yield every entry below the root."""
        return Walk(self._nodes, self._note).entries()

    def xattrs(self, path: str) -> Mapping[str, bytes]:
        """Return the extended attributes of what is at `path`."""
        return self._nodes.xattrs(self._node(path))

    def extents(self, path: str) -> Iterator[Extent]:
        """Yield where the content of a regular file lies on the device."""
        node = self._regular(path)
        if self._nodes.inside(node) is None:
            for _, extent in self._content(node, node.inode.size):
                yield extent

    def _content(self, node: NodeT, length: int) -> Iterator[tuple[int, Extent]]:
        """Yield where the first bytes of a file lie: in the file, and on the device."""
        block_log = self._nodes.block_log
        for run in self._nodes.runs(node):
            at = run.logical << block_log
            if at >= length:
                return
            if run.is_written:
                extent = on_device(run, block_log)
                yield at, Extent(extent.offset, min(extent.length, length - at))

    def _regular(self, path: str) -> NodeT:
        node = self._node(path)
        if not stat.S_ISREG(node.inode.mode):
            raise OSError(f"{path} is no regular file")
        return node

    def _node(self, path: str) -> NodeT:
        return self._nodes.node(self._number(path))

    def _number(self, path: str) -> int:
        """Return the number of the inode at `path`."""
        names = [name for name in path.split("/") if name]
        if len(names) > MOST_DEPTH:
            raise IncompleteError(f"{path}: it lies more than {MOST_DEPTH} folders deep")
        at = self._nodes.root
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
        node = self._nodes.node(number)
        if not stat.S_ISDIR(node.inode.mode):
            raise NotADirectoryError(path)
        entries = self._entries(node)
        if node.inode.size > _MOST_KEPT_BYTES:
            found = [numbers[at] for names, numbers in entries for at, each in enumerate(names) if each == name]
            if len(found) > 1:
                raise IncompleteError(f"{path}: two entries of the folder (inode {number}) have one name")
            return found[0] if found else None
        pairs = [pair for some in entries for pair in zip(*some, strict=True)]
        kept = dict(pairs)
        if len(kept) < len(pairs):
            raise IncompleteError(f"{path}: two entries of the folder (inode {number}) have one name")
        self._kept += node.inode.size
        if self._kept > _MOST_KEPT_BYTES:
            self._folders.clear()
            self._kept = node.inode.size
        self._folders[number] = kept
        return kept.get(name)

    def _entries(self, node: NodeT) -> Iterator[Names]:
        """Yield what is in a folder, all of it asked for at once."""
        runs = self._nodes.folder_runs(node)
        if sum(run.length for run in runs) > 1:
            self._nodes.blocks.prefetch([on_device(run, self._nodes.block_log) for run in runs])
        return self._nodes.entries(node, runs)

    def _note(self, sentence: str) -> None:
        if len(self._damage) < _MOST_DAMAGE and sentence not in self._damage:
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
