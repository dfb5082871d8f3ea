"""Free space: the bitmap of each block group; where none was written yet, what mke2fs(8) put into the group."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amigate.disk.blocks import IncompleteError
from amigate.disk.crc32c import extended
from amigate.disk.ext.features import ReadOnly
from amigate.disk.ext.groups import BLOCKS_UNINIT
from amigate.disk.ext.metadata import ONES

if TYPE_CHECKING:
    from amigate.disk.ext.groups import Group, Groups
    from amigate.disk.ext.metadata import Metadata


class FreeSpace:
    """What of a file system nothing uses."""

    def __init__(self, metadata: Metadata, groups: Groups) -> None:
        self._metadata = metadata
        self._groups = groups
        self._has_uninit = bool(metadata.superblock.read_only & (ReadOnly.GDT_CSUM | ReadOnly.METADATA_CSUM))
        self._known: tuple[int, bytes | list[range]] = (-1, b"")
        """The group that was asked for last, and its bitmap or what is taken of it."""

    def holds(self, offset: int) -> bool:
        """Whether nothing uses the block of a byte; so it is for what lies behind the file system.

        Raises IncompleteError where the free space of its group cannot be told."""
        superblock = self._metadata.superblock
        block = offset >> superblock.block_log
        if block >= superblock.blocks:
            return True
        if block < superblock.first_block:  # a boot loader's
            return False
        group, index = divmod(block - superblock.first_block, superblock.group_blocks)
        if self._known[0] != group:
            self._known = group, self._of(group)
        known = self._known[1]
        if isinstance(known, bytes):
            return not known[index >> 3] >> (index & 7) & 1
        return not any(block in taken for taken in known)

    def _of(self, number: int) -> bytes | list[range]:
        group = self._groups[number]
        if group.flags & BLOCKS_UNINIT and self._has_uninit:
            return self._groups.own_blocks(number)
        bitmap = self._metadata.block(group.block_bitmap)
        self._verify(number, group, bitmap[: self._metadata.superblock.group_blocks >> 3])
        return bitmap

    def _verify(self, number: int, group: Group, bitmap: bytes) -> None:
        seed = self._metadata.superblock.seed
        if seed is None:
            return
        mask = (1 << group.checksum_bits) - 1
        if (extended(seed, bitmap) ^ ONES ^ group.checksum) & mask:
            raise IncompleteError(f"the free space of block group {number} is damaged: its checksum is wrong")
