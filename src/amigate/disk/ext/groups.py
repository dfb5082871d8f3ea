"""Block groups: where each keeps its bitmaps and its inodes, and which of its blocks are the file system's own."""

from __future__ import annotations

from contextlib import suppress
from struct import Struct
from typing import TYPE_CHECKING, NamedTuple

from amigate.disk.blocks import IncompleteError
from amigate.disk.crc32c import extended
from amigate.disk.ext.crc16 import crc16
from amigate.disk.ext.features import Compatible, Incompatible, ReadOnly
from amigate.disk.ext.metadata import ONES
from amigate.disk.inode_tree.chunks import keep

if TYPE_CHECKING:
    from collections.abc import Iterator

    from amigate.disk.ext.metadata import Metadata
    from amigate.disk.ext.superblock import Superblock

_LOW = Struct("<IIIH4xH4xHHH")
_HIGH = Struct("<IIIH4xH4xH")
_HIGH_AT, _CHECKSUM = 32, 30
_CHECKSUM_HIGH_END = 58
"""Bytes of a descriptor that has all 32 bits of the checksum of the block bitmap."""
_NEAR = 1 << 19
"""Bytes of descriptors that are looked at for what may be asked ahead: what is there when a volume was told."""
INODES_UNINIT, BLOCKS_UNINIT = 0x1, 0x2


class Group(NamedTuple):
    """What the descriptor of a group says; places are numbers of blocks."""

    block_bitmap: int
    inode_bitmap: int
    inode_table: int
    free_blocks: int
    """How many it is said to have."""
    flags: int
    unused: int
    """Inodes at the end of its table that were never in use; nothing where descriptors have no checksums."""
    checksum: int
    """Of the block bitmap."""
    checksum_bits: int
    """How many of them are kept."""


class Groups:
    """The descriptors of a file system's groups, which are believed where their checksum is right."""

    def __init__(self, metadata: Metadata) -> None:
        self._metadata = metadata
        self._superblock = metadata.superblock
        self._per_block = self._superblock.block // self._superblock.descriptor
        self._groups: dict[int, Group] = {}
        uuid = self._superblock.uuid.bytes
        self._crc16 = crc16(0xFFFF, uuid) if self._superblock.read_only & ReadOnly.GDT_CSUM else None

    def __getitem__(self, number: int) -> Group:
        """Return a group; raises IncompleteError where its descriptor is damaged."""
        group = self._groups.get(number)
        if group is None:
            group = self._read(number)
            keep(self._groups, number, group)
        return group

    @property
    def table_blocks(self) -> int:
        """Blocks of the inodes of a group."""
        superblock = self._superblock
        return -(-superblock.group_inodes * superblock.inode // superblock.block)

    def tables(self) -> Iterator[range]:
        """Yield which inodes of each group may be in use, of the groups whose descriptors begin the file system.

        Groups that are damaged are passed over: this is for asking ahead alone."""
        superblock = self._superblock
        known = (_NEAR >> superblock.block_log) * self._per_block
        if superblock.incompatible & Incompatible.META_BG:
            known = min(known, superblock.first_meta_group * self._per_block)
        has_unused = superblock.seed is not None or self._crc16 is not None
        for number in range(min(superblock.groups, known)):
            with suppress(IncompleteError):
                group = self[number]
                used = superblock.group_inodes - (group.unused if has_unused else 0)
                if used > 0 and not (has_unused and group.flags & INODES_UNINIT):
                    first = number * superblock.group_inodes + 1
                    yield range(first, first + used)

    def own_blocks(self, number: int) -> list[range]:
        """Return which blocks of the device are taken in a group that is said to be as it was made."""
        start = self._superblock.start_of(number)
        group = self[number]
        places = ((group.block_bitmap, 1), (group.inode_bitmap, 1), (group.inode_table, self.table_blocks))
        return [
            range(start, start + self._copies(number)),
            *(range(place, place + count) for place, count in places),
        ]

    def _read(self, number: int) -> Group:
        superblock = self._superblock
        superblock.blocks_of(number)
        what = f"the descriptor of block group {number}"
        size = superblock.descriptor
        offset = (self._block_of(number // self._per_block) << superblock.block_log) + number % self._per_block * size
        raw = self._metadata.read(offset, size)
        self._verify(number, raw, what)
        block_bitmap, inode_bitmap, table, free, flags, checksum, _, unused = _LOW.unpack_from(raw)
        bits = 16
        if size > _HIGH_AT:
            *high, unused_high, checksum_high = _HIGH.unpack_from(raw, _HIGH_AT)
            unused |= unused_high << 16
            block_bitmap |= high[0] << 32
            inode_bitmap |= high[1] << 32
            table |= high[2] << 32
            free |= high[3] << 16
        if size >= _CHECKSUM_HIGH_END:
            checksum |= checksum_high << 16
            bits = 32
        for place, count in ((block_bitmap, 1), (inode_bitmap, 1), (table, self.table_blocks)):
            superblock.require(place, count)
        return Group(block_bitmap, inode_bitmap, table, free, flags, unused, checksum, bits)

    def _verify(self, number: int, raw: bytes, what: str) -> None:
        said = int.from_bytes(raw[_CHECKSUM : _CHECKSUM + 2], "little")
        index = number.to_bytes(4, "little")
        start, end = raw[:_CHECKSUM], raw[_CHECKSUM + 2 :]
        if self._superblock.seed is not None:
            found = (extended(self._superblock.seed, index + start + bytes(2) + end) ^ ONES) & 0xFFFF
        elif self._crc16 is not None:
            found = crc16(self._crc16, index + start + end)
        else:
            return
        if found != said:
            raise IncompleteError(f"{what} is damaged: its checksum is wrong")

    def _block_of(self, index: int) -> int:
        """Return the number of a block of descriptors."""
        superblock = self._superblock
        if not superblock.incompatible & Incompatible.META_BG or index < superblock.first_meta_group:
            return superblock.first_block + 1 + index
        first = index * self._per_block
        return superblock.start_of(first) + has_superblock(superblock, first)

    def _copies(self, number: int) -> int:
        """Return how many blocks a group begins with that hold the superblock, descriptors, and room for more."""
        superblock = self._superblock
        has_copy = has_superblock(superblock, number)
        blocks = -(-superblock.groups // self._per_block)
        is_meta = superblock.incompatible & Incompatible.META_BG
        if is_meta and number >= superblock.first_meta_group * self._per_block:
            return has_copy + (number % self._per_block in {0, 1, self._per_block - 1})
        if not has_copy:
            return 0
        if is_meta:
            blocks = min(blocks, superblock.first_meta_group)
        return 1 + blocks + superblock.reserved_descriptor_blocks


def has_superblock(superblock: Superblock, group: int) -> bool:
    """Whether a group begins with a copy of the superblock (ext4_bg_has_super in fs/ext4/balloc.c)."""
    if group == 0:
        return True
    if superblock.compatible & Compatible.SPARSE_SUPER2:
        return group in superblock.backups
    if group == 1 or not superblock.read_only & ReadOnly.SPARSE_SUPER:
        return True
    return any(_is_power(group, base) for base in (3, 5, 7))


def _is_power(number: int, base: int) -> bool:
    power = base
    while power < number:
        power *= base
    return power == number
