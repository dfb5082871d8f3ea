"""Free space: the bitmap of each block group; where none was written yet, what mke2fs(8) put into the group."""

from __future__ import annotations

import re
from bisect import bisect_left
from typing import TYPE_CHECKING

from amigate.disk.blocks import Extent, IncompleteError
from amigate.disk.crc32c import extended
from amigate.disk.ext.features import ReadOnly
from amigate.disk.ext.groups import BLOCKS_UNINIT
from amigate.disk.ext.metadata import ONES
from amigate.disk.pieces import between

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from amigate.disk.ext.groups import Group, Groups
    from amigate.disk.ext.metadata import Metadata

_AT_ONCE = 64
"""Groups whose bitmaps are fetched at the same time."""
_ZEROS = re.compile("0+")


class FreeSpace:
    """What of a file system nothing uses."""

    def __init__(self, metadata: Metadata, groups: Groups) -> None:
        self._metadata = metadata
        self._groups = groups
        self._has_uninit = bool(metadata.superblock.read_only & (ReadOnly.GDT_CSUM | ReadOnly.METADATA_CSUM))
        self._known: tuple[int, Sequence[Extent]] = (-1, ())
        """The group that was asked for last, and its free runs."""

    def holds(self, offset: int) -> bool:
        """Whether nothing uses the block of a byte; so it is for what lies behind the file system.

        Raises IncompleteError where the free space of its group cannot be told."""
        superblock = self._metadata.superblock
        block = offset >> superblock.block_log
        if block >= superblock.blocks:
            return True
        if block < superblock.first_block:  # a boot loader's
            return False
        group = (block - superblock.first_block) // superblock.group_blocks
        if self._known[0] != group:
            self._known = group, self._runs(group)
        runs = self._known[1]
        index = bisect_left(runs, Extent(block + 1, 0)) - 1
        return index >= 0 and block < runs[index].end

    def extents(self) -> Iterator[Extent]:
        """Yield the blocks that nothing uses; raises IncompleteError where they cannot be told."""
        superblock = self._metadata.superblock
        log = superblock.block_log
        for first in range(0, superblock.groups, _AT_ONCE):
            numbers = range(first, min(first + _AT_ONCE, superblock.groups))
            bitmaps = [
                group.block_bitmap for group in map(self._groups.__getitem__, numbers) if not self._is_new(group)
            ]
            self._metadata.blocks.prefetch([Extent(bitmap << log, superblock.block) for bitmap in bitmaps])
            for number in numbers:
                for run in self._runs(number):
                    yield Extent(run.offset << log, run.length << log)

    def _is_new(self, group: Group) -> bool:
        """Whether a group has no bitmap yet."""
        return self._has_uninit and bool(group.flags & BLOCKS_UNINIT)

    def _runs(self, number: int) -> Sequence[Extent]:
        """Return the free runs of a group, in blocks of the device."""
        superblock = self._metadata.superblock
        group = self._groups[number]
        here = Extent(superblock.start_of(number), superblock.blocks_of(number))
        if self._is_new(group):
            taken = [Extent(each.start, len(each)) for each in self._groups.own_blocks(number)]
            runs = list(between(taken, here))
        else:
            bitmap = self._metadata.block(group.block_bitmap)
            self._verify(number, group, bitmap[: superblock.group_blocks >> 3])
            runs = _clear(bitmap, here)
        free = sum(run.length for run in runs)
        if free != group.free_blocks:
            what = f"the free space of block group {number}"
            raise IncompleteError(f"{what} is damaged: {free} of {group.free_blocks} free blocks are listed")
        return runs

    def _verify(self, number: int, group: Group, bitmap: bytes) -> None:
        seed = self._metadata.superblock.seed
        if seed is None:
            return
        mask = (1 << group.checksum_bits) - 1
        if (extended(seed, bitmap) ^ ONES ^ group.checksum) & mask:
            raise IncompleteError(f"the free space of block group {number} is damaged: its checksum is wrong")


def _clear(bitmap: bytes, here: Extent) -> list[Extent]:
    """Return the runs of blocks whose bits are clear; the lowest bit of the first byte is that of the first block."""
    bits = f"{int.from_bytes(bitmap, 'little'):0{8 * len(bitmap)}b}"[::-1]
    found = (each.span() for each in _ZEROS.finditer(bits, 0, here.length))
    return [Extent(here.offset + start, end - start) for start, end in found]
