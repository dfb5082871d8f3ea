"""The inodes of an XFS file system and what they hold, as the shared reader of trees asks for them."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from amigate.disk.blocks import IncompleteError, UnsupportedError
from amigate.disk.inode_tree.ahead import InodeTable
from amigate.disk.xfs import attributes, folders, inode_tables, mapping, remote
from amigate.disk.xfs.inodes import CHUNK_LOG, Format, Inodes
from amigate.disk.xfs.metadata import Metadata

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from amigate.disk.blocks import Blocks
    from amigate.disk.inode_tree.names import Names
    from amigate.disk.inode_tree.runs import Run
    from amigate.disk.xfs.inodes import Node
    from amigate.disk.xfs.superblock import Superblock


class XfsNodes(Inodes):
    """Inodes with what they hold: `Nodes` of the tree."""

    def __init__(self, superblock: Superblock, blocks: Blocks) -> None:
        super().__init__(superblock, blocks)
        self.metadata = Metadata(superblock, blocks)
        self.blocks = blocks
        self.block_log = superblock.block_log
        self.root = superblock.root

    def chunks_of(self, numbers: Iterable[int]) -> set[int]:
        """Return what the numbers of inodes begin with that are read at once."""
        return {number >> CHUNK_LOG for number in numbers}

    def tables(self) -> Iterator[InodeTable]:
        """Yield where inodes lie that may be in use."""
        for first in inode_tables.in_use(self.metadata):
            with suppress(IncompleteError):
                yield InodeTable(range(first, first + (1 << CHUNK_LOG)), self._chunk(first >> CHUNK_LOG))

    def folder_places(self, numbers: range) -> Iterator[tuple[int, int]]:
        """Yield where blocks of folders lie, as far as their inodes say it."""
        for inodes, at in self.folders(numbers):
            yield from mapping.near(self.metadata.superblock, inodes, at)

    def folder_runs(self, node: Node) -> list[Run]:
        """Return where the blocks with the entries of a folder lie."""
        return folders.data_runs(self.metadata, node)

    def entries(self, node: Node, runs: list[Run] | None = None) -> Iterator[Names]:
        """Yield what is in a folder."""
        return folders.entries(self.metadata, node, runs)

    def runs(self, node: Node) -> Iterator[Run]:
        """Yield where the content of a file lies."""
        return mapping.runs(self.metadata, node, node.content)

    def inside(self, node: Node) -> None:
        """Refuse content that cannot be read; none lies in an inode."""
        if node.is_realtime:
            raise UnsupportedError(f"inode {node.inode.number}: its content lies on a real-time device")
        if node.content.format == Format.LOCAL:
            raise IncompleteError(f"inode {node.inode.number} is damaged: content of a file cannot lie in it")

    def target(self, node: Node) -> bytes:
        """Return where a link leads."""
        return remote.target(self.metadata, node)

    def xattrs(self, node: Node) -> dict[str, bytes]:
        """Return the extended attributes."""
        return attributes.xattrs(self.metadata, node)
