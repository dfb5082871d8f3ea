"""A walk over a whole file system, level by level: what a level needs next is fetched at the same time."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

from amigate.disk.reader import MOST_DEPTH, MOST_ENTRIES
from amigate.disk.xfs.folders import entries, prefetchable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from amigate.disk.blocks import Extent
    from amigate.disk.xfs.inodes import Inodes, Node
    from amigate.disk.xfs.metadata import Metadata
    from amigate.evidence.file_system import Inode

_UNIT_LOG = 19
"""A device is fetched in units of 512 KiB, as EBS hands out a snapshot."""
_AHEAD = 256
"""Units that are fetched at the same time, at most: many beside the connections, few enough to be kept until read."""
_MOST_AT_ONCE = 65536
"""Names that are held until their inodes are fetched."""


class Walk:
    """One walk below `root`; `note` is told what could not be read."""

    def __init__(self, metadata: Metadata, inodes: Inodes, root: int, note: Callable[[str], None]) -> None:
        self._metadata = metadata
        self._inodes = inodes
        self._root = root
        self._note = note

    def entries(self) -> Iterator[tuple[str, Inode]]:
        """Yield path and inode of every entry, level by level."""
        seen = {self._root}
        level = [("", self._root)]
        left = MOST_ENTRIES
        for _ in range(MOST_DEPTH):
            below: list[tuple[str, int]] = []
            for path, inode in self._level(level):
                left -= 1
                if left < 0:
                    self._note(f"{path}: there are more than {MOST_ENTRIES} entries")
                    return
                yield path, inode
                if stat.S_ISDIR(inode.mode):
                    if inode.number in seen:
                        self._note(f"{path}: the folder (inode {inode.number}) is in another place too")
                    else:
                        seen.add(inode.number)
                        below.append((path, inode.number))
            level = below
        for path, _ in level:
            self._note(f"{path}: it lies more than {MOST_DEPTH} folders deep")

    def _level(self, folders: list[tuple[str, int]]) -> Iterator[tuple[str, Inode]]:
        """Yield what is in some folders."""
        lstat = self._inodes.lstat
        for names in self._with_inodes(self._names(folders)):
            for path, number in names:
                try:
                    inode = lstat(number)
                except OSError as error:
                    self._note(f"{path}: {error}")
                else:
                    yield path, inode

    def _names(self, folders: list[tuple[str, int]]) -> Iterator[list[tuple[str, int]]]:
        """Yield path and inode number of what is in some folders, some at a time."""
        for batch in self._with_blocks(self._nodes(folders)):
            for path, node in batch:
                try:
                    for names in entries(self._metadata, node):
                        yield [(f"{path}/{name}", number) for name, number in names]
                except OSError as error:
                    self._note(f"{path or '/'}: {error}")

    def _nodes(self, folders: list[tuple[str, int]]) -> Iterator[tuple[str, Node]]:
        for batch in self._with_inodes([folders]):
            for path, number in batch:
                try:
                    node = self._inodes.node(number)
                except OSError as error:
                    self._note(f"{path or '/'}: {error}")
                else:
                    yield path, node

    def _with_inodes(self, names: Iterable[list[tuple[str, int]]]) -> Iterator[list[tuple[str, int]]]:
        """Yield names in batches, the inodes of each fetched."""
        chunk_log = self._inodes.chunk_log
        batch: list[tuple[str, int]] = []
        chunks: set[int] = set()
        for some in names:
            batch += some
            chunks.update([number >> chunk_log for _, number in some])
            if len(chunks) >= _AHEAD or len(batch) >= _MOST_AT_ONCE:
                self._inodes.prefetch(chunks)
                yield batch
                batch = []
                chunks = set()
        self._inodes.prefetch(chunks)
        yield batch

    def _with_blocks(self, folders: Iterable[tuple[str, Node]]) -> Iterator[list[tuple[str, Node]]]:
        """Yield folders in batches, the blocks of each fetched."""
        batch: list[tuple[str, Node]] = []
        extents: list[Extent] = []
        units: set[int] = set()
        for folder in folders:
            batch.append(folder)
            found = prefetchable(self._metadata, folder[1])
            extents += found
            for extent in found:
                units.update(range(extent.offset >> _UNIT_LOG, (extent.end - 1 >> _UNIT_LOG) + 1))
            if len(units) >= _AHEAD or len(batch) >= _MOST_AT_ONCE:
                self._metadata.blocks.prefetch(extents)
                yield batch
                batch, extents, units = [], [], set()
        self._metadata.blocks.prefetch(extents)
        yield batch
