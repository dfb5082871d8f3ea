"""A FAT file system, read from its blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amigate.disk.blocks import Extent, IncompleteError
from amigate.disk.fat.boot_sector import FIRST, read_boot_sector
from amigate.disk.fat.entries import label
from amigate.disk.fat.nodes import FatNodes, Node
from amigate.disk.fat.table import Table
from amigate.disk.inode_tree.reader import TreeReader

if TYPE_CHECKING:
    from collections.abc import Iterator

    from amigate.disk.blocks import Blocks


_MOST_BYTES = 4 << 20
"""Of tables of clusters that are asked for before it is opened."""


def ask_first(blocks: Blocks) -> None:
    """Ask for the tables of clusters and the root; raises UnsupportedError or IncompleteError."""
    geometry = read_boot_sector(blocks)
    log = geometry.sector_log
    tables = min(geometry.tables * geometry.table_length << log, _MOST_BYTES)
    root = geometry.place(geometry.root_cluster) if geometry.root_cluster else geometry.root
    length = geometry.cluster if geometry.root_cluster else geometry.root_length
    blocks.prefetch([Extent(geometry.table << log, tables), Extent(root << log, length << log)])


class Fat(TreeReader[Node]):
    """A `Reader`; raises UnsupportedError or IncompleteError where the file system cannot be read as it is.

    All of its tree is looked through when it is opened, so that whose clusters are whose is known before any is read.
    Whether it was unmounted is not asked: nothing is to be replayed, and what was not written yet is not in the image.
    Linux reads the first table of clusters alone; where a copy says something else, that is damage."""

    _nodes: FatNodes

    def __init__(self, blocks: Blocks) -> None:
        geometry = read_boot_sector(blocks)
        table = Table(geometry, blocks)
        nodes = FatNodes(geometry, table, blocks)
        root = nodes.node(nodes.root)
        super().__init__(nodes, kind="vfat", uuid=geometry.serial, label=label(nodes.raw_entries(root)[1]))
        self.block_bytes = geometry.cluster_bytes
        self._geometry = geometry
        self._table = table
        if not table.has_copies():
            self._note("the tables of clusters of the vfat file system say different things")
        self._claim(root)

    def is_free(self, offset: int) -> bool:
        """Whether nothing uses the cluster of a byte; so it is for what lies behind the last."""
        cluster = self._geometry.cluster_at(offset)
        return cluster >= FIRST and (cluster >= self._geometry.end or self._table.is_free(cluster))

    def free_extents(self) -> Iterator[Extent]:
        """Yield the clusters that nothing uses.

        Raises IncompleteError where anything is damaged: one of tables that differ, or of a file and what the table
        says of its clusters, is wrong."""
        if self.damage:
            raise IncompleteError(f"what is free in the vfat file system cannot be told: {self.damage[0]}")
        place, log = self._geometry.place, self._geometry.sector_log
        for first, end in self._table.free():
            yield Extent(place(first) << log, (end - first) * self._geometry.cluster_bytes)

    def _claim(self, root: Node) -> None:
        """Take for each file and folder the clusters that it leads to, and note which cannot be its own."""
        if self._geometry.root_cluster:
            self._nodes.claim(root)
        for path, inode in self.walk():
            try:
                self._nodes.claim(self._nodes.with_forks(inode))
            except OSError as error:
                self._note(f"{path}: {error}")

    def _child(self, number: int, name: str, path: str) -> int | None:
        """Return what a name means in a folder: as vfat looks for it, whatever the case, long or short."""
        found = super()._child(number, name, path)
        return self._nodes.alias(self._nodes.node(number), name) if found is None else found
