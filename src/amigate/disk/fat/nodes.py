"""Files and folders of a FAT file system and what they hold, as the shared reader of trees asks for them.

There are no inodes: the number of a file is that of its entry on the device, counted in entries from its start."""

from __future__ import annotations

import stat
from array import array
from typing import TYPE_CHECKING, NamedTuple

from amigate.disk.blocks import Extent, IncompleteError
from amigate.disk.fat.boot_sector import ENTRY
from amigate.disk.fat.entries import Told, files, is_itself, told
from amigate.disk.inode_tree.chunks import CHUNK, CHUNK_LOG, Chunks
from amigate.disk.inode_tree.names import named
from amigate.disk.inode_tree.runs import Run, on_device
from amigate.disk.reader import MOST_EXTENTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from amigate.disk.blocks import Blocks
    from amigate.disk.fat.boot_sector import Geometry
    from amigate.disk.fat.entries import Named
    from amigate.disk.fat.table import Table
    from amigate.disk.inode_tree.ahead import InodeTable
    from amigate.disk.inode_tree.names import Names
    from amigate.evidence.file_system import Inode

MOST_FOLDER_BYTES = 65536 * ENTRY
"""As the specification and Linux' FAT_MAX_DIR_SIZE limit a folder."""
_ENTRIES_LOG = CHUNK_LOG - ENTRY.bit_length() + 1
_ROOT = Told(is_folder=True, is_read_only=False, first=0, size=0, mtime_s=0)


class Node(NamedTuple):
    """A file or folder."""

    inode: Inode
    first: int
    """The number of its first cluster."""


class FatNodes:
    """`Nodes` of the tree."""

    root = 0

    def __init__(self, geometry: Geometry, table: Table, blocks: Blocks) -> None:
        self.blocks = blocks
        self.block_log = geometry.sector_log
        self._geometry = geometry
        self._table = table
        self._chunks = Chunks(blocks)
        self._is_32 = geometry.bits == 32  # noqa: PLR2004 - FAT32
        self._known: tuple[int, dict[bytes, int]] = (-1, {})
        """The folder in which a name was looked for last, and what all names in it mean."""

    def lstat(self, number: int) -> Inode:
        """Return what is told of a file or folder."""
        return self.node(number).inode

    def node(self, number: int) -> Node:
        """Return a file or folder."""
        if number == self.root:
            found = _ROOT._replace(first=self._geometry.root_cluster)
        else:
            found = told(self._chunks.read(number * ENTRY, ENTRY), is_32=self._is_32)
        size = found.size
        if found.is_folder:
            size = sum(run.length for run in self._folder(number, found.first)) << self.block_log
        return Node(found.inode(number, size), found.first)

    def with_forks(self, inode: Inode) -> Node:
        """Return a file or folder that was just looked at."""
        return self.node(inode.number)

    def chunks_of(self, numbers: Iterable[int]) -> set[int]:
        """Return which chunks entries lie in."""
        return {number >> _ENTRIES_LOG for number in numbers}

    def prefetch(self, chunks: Iterable[int]) -> None:
        """Say which chunks will be read soon."""
        size = self.blocks.size
        starts = (chunk << CHUNK_LOG for chunk in chunks)
        self.blocks.prefetch([Extent(at, min(CHUNK, size - at)) for at in starts])

    def tables(self) -> Iterator[InodeTable]:
        """Yield nothing: entries lie in folders, and where these lie is known of all at once."""
        return iter(())

    def folder_places(self, numbers: range) -> Iterator[tuple[int, int]]:
        """Yield nothing: there are no tables."""
        del numbers
        return iter(())

    def folder_runs(self, node: Node) -> list[Run]:
        """Return where the clusters of a folder lie."""
        return self._folder(node.inode.number, node.first)

    def entries(self, node: Node, runs: list[Run] | None = None) -> Iterator[Names]:
        """Yield what is in a folder."""
        numbers, raw = self.raw_entries(node, runs)
        found = list(files(raw))
        ways = _ways(found)
        what = _what(node.inode.number)
        if any(ways.get(_folded(each.name), each.at) != each.at for each in found):
            raise IncompleteError(f"{what} is damaged: two of its entries have one name")
        yield named([each.name.encode() for each in found], [numbers[each.at] for each in found], what)

    def alias(self, node: Node, name: str) -> int | None:
        """Return what a name means in a folder that is a short one, or is written in another case; None for nothing."""
        if self._known[0] != node.inode.number:
            numbers, raw = self.raw_entries(node)
            ways = {name: numbers[index] for name, index in _ways(files(raw)).items()}
            self._known = node.inode.number, ways
        return self._known[1].get(_folded(name.rstrip(".")))

    def raw_entries(self, node: Node, runs: list[Run] | None = None) -> tuple[list[int], list[bytes]]:
        """Return the numbers of all entries of a folder, used or not, and the entries."""
        numbers: list[int] = []
        raw: list[bytes] = []
        for run in self.folder_runs(node) if runs is None else runs:
            extent = on_device(run, self.block_log)
            content = self._chunks.read(extent.offset, extent.length)
            numbers += range(extent.offset // ENTRY, extent.end // ENTRY)
            raw += [content[at : at + ENTRY] for at in range(0, len(content), ENTRY)]
        number = node.inode.number
        if number != self.root and not is_itself(raw, node.first, is_32=self._is_32):
            raise IncompleteError(f"{_what(number)} is damaged: it does not begin with itself")
        return numbers, raw

    def runs(self, node: Node) -> Iterator[Run]:
        """Yield where the content of a file lies."""
        for count, run in enumerate(self._together(self._chain(node))):
            if count >= MOST_EXTENTS:
                raise IncompleteError(f"{_what(node.inode.number)} lies in more than {MOST_EXTENTS} pieces")
            yield run

    def inside(self, node: Node) -> None:
        """Nothing lies in an entry."""

    def target(self, node: Node) -> bytes:
        """Refuse: there are no links."""
        raise IncompleteError(f"{_what(node.inode.number)} is no link")

    def xattrs(self, node: Node) -> dict[str, bytes]:
        """Return nothing: there are none."""
        del node
        return {}

    def claim(self, node: Node) -> None:
        """Take the clusters of a file or folder for it; raises IncompleteError where they cannot be its own, or all."""
        size = node.inode.size
        if stat.S_ISDIR(node.inode.mode):
            self._table.claim(node.first)
            self.folder_runs(node)
        elif size:
            self._table.claim(node.first)
            if (len(self._chain(node)) - 1) * self._geometry.cluster_bytes >= size:
                what = _what(node.inode.number)
                raise IncompleteError(f"{what} is damaged: its chain of clusters goes on behind its {size} bytes")

    def _chain(self, node: Node) -> array[int]:
        """Return the clusters of a file, as many as it needs or more; none where it is empty."""
        size, what = node.inode.size, _what(node.inode.number)
        if not size:
            return array("I")
        chain = self._table.chain(node.first, self._geometry.clusters, what)
        if len(chain) * self._geometry.cluster_bytes < size:
            raise IncompleteError(f"{what} is damaged: its chain of clusters ends before its {size} bytes do")
        return chain

    def _folder(self, number: int, first: int) -> list[Run]:
        geometry = self._geometry
        if number == self.root and geometry.root_length:
            return [Run(0, geometry.root, geometry.root_length, is_written=True)]
        most = MOST_FOLDER_BYTES // geometry.cluster_bytes
        return list(self._together(self._table.chain(first, most, _what(number))))

    def _together(self, chain: array[int]) -> Iterator[Run]:
        """Yield where clusters lie, those at once that follow each other."""
        geometry = self._geometry
        at = start = 0
        for index in range(1, len(chain) + 1):
            if index == len(chain) or chain[index] != chain[index - 1] + 1:
                length = (index - start) * geometry.cluster
                yield Run(at, geometry.place(chain[start]), length, is_written=True)
                at, start = at + length, index


def _ways(found: Iterable[Named]) -> dict[bytes, int]:
    """Return which entry each name leads to, short or long, in any case: the first that has it."""
    ways: dict[bytes, int] = {}
    for each in found:
        for name in filter(None, (each.short, each.name)):
            ways.setdefault(_folded(name), each.at)
    return ways


def _folded(name: str) -> bytes:
    """Return a name without its case, that of ASCII alone."""
    return name.encode("utf-8", "surrogateescape").lower()


def _what(number: int) -> str:
    return f"the file whose entry is at byte {number * ENTRY}" if number else "the root folder"
