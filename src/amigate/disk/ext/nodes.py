"""The inodes of an ext file system and what they hold, as the shared reader of trees asks for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amigate.disk.ext import attributes, folders, inline, links, mapping
from amigate.disk.ext.groups import Groups
from amigate.disk.ext.inodes import ROOT, Flag, Inodes
from amigate.disk.ext.metadata import Metadata

if TYPE_CHECKING:
    from collections.abc import Iterator

    from amigate.disk.blocks import Blocks
    from amigate.disk.ext.inodes import Node
    from amigate.disk.ext.superblock import Superblock
    from amigate.disk.inode_tree.names import Names
    from amigate.disk.inode_tree.runs import Run


class ExtNodes(Inodes):
    """Inodes with what they hold: `Nodes` of the tree."""

    root = ROOT

    def __init__(self, superblock: Superblock, blocks: Blocks) -> None:
        self.metadata = Metadata(superblock, blocks)
        self.groups = Groups(self.metadata)
        self.blocks = blocks
        self.block_log = superblock.block_log
        super().__init__(self.metadata, self.groups)

    def folder_places(self, numbers: range) -> Iterator[tuple[int, int]]:
        """Yield where blocks of folders lie, as far as their inodes say it."""
        for inodes, at in self.folders(numbers):
            yield from mapping.near(inodes, at)

    def folder_runs(self, node: Node) -> list[Run]:
        """Return where the blocks of a folder lie."""
        node.require_read()
        return folders.folder_runs(self.metadata, node)

    def entries(self, node: Node, runs: list[Run] | None = None) -> Iterator[Names]:
        """Yield what is in a folder."""
        node.require_read()
        return folders.entries(self.metadata, node, runs)

    def runs(self, node: Node) -> Iterator[Run]:
        """Yield where the content of a file lies."""
        return mapping.runs(self.metadata, node)

    def inside(self, node: Node) -> bytes | None:
        """Return the content of a file that lies in its inode."""
        node.require_read()
        return inline.content(node) if node.flags & Flag.INLINE else None

    def target(self, node: Node) -> bytes:
        """Return where a link leads."""
        node.require_read()
        return links.target(self.metadata, node)

    def xattrs(self, node: Node) -> dict[str, bytes]:
        """Return the extended attributes."""
        return attributes.xattrs(self.metadata, self, node)
