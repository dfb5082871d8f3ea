"""Where links lead: in place of the map of blocks where that is short, else in a block."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amigate.disk.blocks import IncompleteError
from amigate.disk.ext import inline
from amigate.disk.ext.inodes import Flag
from amigate.disk.ext.mapping import runs

if TYPE_CHECKING:
    from amigate.disk.ext.inodes import Node
    from amigate.disk.ext.metadata import Metadata

_LONGEST = 4095
_IN_INODE = 59


def target(metadata: Metadata, node: Node) -> bytes:
    """Return where a link leads; raises IncompleteError where that is damaged.

    A short one lies in its inode, unless a map of extents is there, or a block as older tools made it."""
    size, number = node.inode.size, node.inode.number
    if not 0 < size <= min(_LONGEST, metadata.superblock.block):
        raise IncompleteError(f"link {number} is damaged: its target has {size} bytes")
    if node.flags & Flag.INLINE:
        found = inline.content(node)
    elif size <= _IN_INODE and not node.flags & Flag.EXTENTS and not _has_block(metadata, node):
        found = node.pointers[:size]
    else:
        found = _block(metadata, node)[:size]
    if b"\0" in found:
        raise IncompleteError(f"link {number} is damaged: its target cannot be one")
    return found


def _has_block(metadata: Metadata, node: Node) -> bool:
    """Whether more than the block of its attributes is counted as a link's own, in units of 512 bytes."""
    counted = int.from_bytes(node.raw[28:32], "little")
    return counted > (metadata.superblock.block >> 9 if any(node.raw[104:108]) else 0)


def _block(metadata: Metadata, node: Node) -> bytes:
    run = next(runs(metadata, node), None)
    if run is None or run.logical or not run.is_written:
        raise IncompleteError(f"link {node.inode.number} is damaged: its target is not there")
    return metadata.block(run.start)
