"""An XFS file system, read from its blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amigate.disk.blocks import Extent
from amigate.disk.inode_tree.reader import TreeReader
from amigate.disk.xfs.free import FreeSpace
from amigate.disk.xfs.inode_tables import ask_heads
from amigate.disk.xfs.inodes import Node
from amigate.disk.xfs.log import require_clean
from amigate.disk.xfs.log_head import STEPS_AT_ONCE
from amigate.disk.xfs.nodes import XfsNodes
from amigate.disk.xfs.superblock import read_superblock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from amigate.disk.blocks import Blocks


def ask_first(blocks: Blocks) -> None:
    """Ask for the root, for the heads of groups and for what tells the end of the log.

    Raises UnsupportedError or IncompleteError."""
    superblock = read_superblock(blocks)
    nodes = XfsNodes(superblock, blocks)
    nodes.prefetch(nodes.chunks_of([superblock.root]))
    if superblock.log_start:
        start = superblock.block_at(superblock.log_start, superblock.log_blocks)
        step = max(superblock.log_blocks >> STEPS_AT_ONCE, 1)
        places = (*range(start, start + superblock.log_blocks, step), start + superblock.log_blocks - 1)
        blocks.prefetch([Extent(block * superblock.block, superblock.block) for block in places])
    ask_heads(nodes.metadata)


class Xfs(TreeReader[Node]):
    """A `Reader`; raises UnsupportedError or IncompleteError where the file system cannot be read as it is."""

    _nodes: XfsNodes

    def __init__(self, blocks: Blocks) -> None:
        superblock = read_superblock(blocks)
        require_clean(superblock, blocks)
        nodes = XfsNodes(superblock, blocks)
        super().__init__(nodes, kind="xfs", uuid=str(superblock.uuid), label=superblock.label)
        self._free = FreeSpace(nodes.metadata)

    def is_free(self, offset: int) -> bool:
        """Whether nothing uses the block that holds a byte of the device."""
        return self._free.holds(offset)

    def free_extents(self) -> Iterator[Extent]:
        """Yield the blocks that nothing uses."""
        return self._free.extents()
