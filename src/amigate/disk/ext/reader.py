"""An ext2, ext3 or ext4 file system, read from its blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amigate.disk.ext.features import Incompatible
from amigate.disk.ext.free import FreeSpace
from amigate.disk.ext.inodes import Node
from amigate.disk.ext.journal import replay
from amigate.disk.ext.journal_superblock import open_journal
from amigate.disk.ext.nodes import ExtNodes
from amigate.disk.ext.overlay import Overlay
from amigate.disk.ext.superblock import read_superblock
from amigate.disk.inode_tree.ahead import limited
from amigate.disk.inode_tree.reader import TreeReader

if TYPE_CHECKING:
    from collections.abc import Iterator

    from amigate.disk.blocks import Blocks, Extent

_MOST_UNITS = 32
"""Of inodes that are asked for when a file system is opened."""


def ask_first(blocks: Blocks) -> None:
    """Ask for inodes in use, as many as come in one round; raises UnsupportedError or IncompleteError."""
    nodes = ExtNodes(read_superblock(blocks), blocks)
    blocks.prefetch([table.extent for table in limited(nodes.tables(), _MOST_UNITS)])


class Ext(TreeReader[Node]):
    """A `Reader`; raises UnsupportedError or IncompleteError where the file system cannot be read as it is."""

    _nodes: ExtNodes

    def __init__(self, blocks: Blocks) -> None:
        superblock = read_superblock(blocks)
        has_errors = superblock.has_errors
        if superblock.incompatible & Incompatible.RECOVER:
            journal = open_journal(ExtNodes(superblock, blocks))
            blocks = Overlay(blocks, replay(journal), superblock.block_log)
            superblock = read_superblock(blocks)
            has_errors |= journal.has_error or superblock.has_errors
        nodes = ExtNodes(superblock, blocks)
        super().__init__(nodes, kind=superblock.kind, uuid=str(superblock.uuid), label=superblock.label)
        self._free = FreeSpace(nodes.metadata, nodes.groups)
        if has_errors:
            self._note(f"the {self.kind} file system says of itself that it has errors")
        if not superblock.was_unmounted and not superblock.journal_inode:
            self._note(
                f"the {self.kind} file system was not unmounted and has no journal: what it holds may not be in place"
            )

    def is_free(self, offset: int) -> bool:
        """Whether nothing uses the block that holds a byte of the device."""
        return self._free.holds(offset)

    def free_extents(self) -> Iterator[Extent]:
        """Yield the blocks that nothing uses."""
        return self._free.extents()
