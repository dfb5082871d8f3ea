"""Free space: the B+tree of each allocation group that lists it by block number, and the group's list of spare blocks.

Spare blocks (AGFL) are set aside for the trees themselves: nothing uses them, what they hold is what was there before,
so that they are free here, as they are for the freesp command of xfs_db(8)."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from dataclasses import dataclass, replace
from heapq import merge
from struct import Struct
from typing import TYPE_CHECKING

from amigate.disk.blocks import Extent, IncompleteError
from amigate.disk.xfs.checksum import verify
from amigate.disk.xfs.metadata import Stamp

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from amigate.disk.xfs.metadata import Metadata

_MOST_RECORDS = 8_000_000
"""Of one group, and of all that are kept."""
_MOST_LEVELS = 9
_AGF = Struct(">4sIII I8x I8x III I")
_AGF_CHECKSUM, _AGF_UUID = 216, 64
_AGFL = Struct(">4sI")
_AGFL_CHECKSUM, _AGFL_UUID, _AGFL_HEADER = 32, 8, 36
_NODE = Struct(">4sHHII")
_STAMP = Stamp(checksum=52, address=16, uuid=32, owner=48, owner_bytes=4)
_HEADER = 56
_RECORD_BYTES = 8
_AT_ONCE = 64
"""Groups whose headers are fetched at the same time."""


@dataclass(frozen=True)
class _Free:
    """The free blocks of a group: runs in ascending order, and spare ones."""

    starts: array[int]
    ends: array[int]
    spare: frozenset[int]

    def holds(self, block: int) -> bool:
        at = bisect_right(self.starts, block) - 1
        return (at >= 0 and block < self.ends[at]) or block in self.spare

    def runs(self) -> Iterator[tuple[int, int]]:
        """Yield where free runs begin and end, in ascending order."""
        return merge(zip(self.starts, self.ends, strict=True), sorted((block, block + 1) for block in self.spare))


class FreeSpace:
    """What of a file system nothing uses."""

    def __init__(self, metadata: Metadata) -> None:
        self._metadata = metadata
        self._groups: dict[int, _Free] = {}

    def holds(self, offset: int) -> bool:
        """Whether nothing uses the block of a byte; so it is for what lies behind the file system.

        Raises IncompleteError where the free space of its group cannot be told."""
        superblock = self._metadata.superblock
        block = offset >> superblock.block_log
        if block >= superblock.blocks:
            return True
        group, block = divmod(block, superblock.group_blocks)
        return self._of(group).holds(block)

    def extents(self) -> Iterator[Extent]:
        """Yield the blocks that nothing uses; raises IncompleteError where they cannot be told."""
        superblock = self._metadata.superblock
        log, size = superblock.block_log, superblock.group_blocks
        for group in range(superblock.groups):
            if group % _AT_ONCE == 0:
                numbers = range(group, min(group + _AT_ONCE, superblock.groups))
                headers = [Extent(number * size << log, superblock.group_headers << log) for number in numbers]
                self._metadata.blocks.prefetch(headers)
            for start, end in self._of(group).runs():
                yield Extent(group * size + start << log, end - start << log)

    def _of(self, group: int) -> _Free:
        free = self._groups.get(group)
        if free is None:
            free = _read(self._metadata, group)
            if len(free.starts) + sum(len(each.starts) for each in self._groups.values()) > _MOST_RECORDS:
                self._groups.clear()
            self._groups[group] = free
        return free


def _read(metadata: Metadata, group: int) -> _Free:
    what = f"the free space of allocation group {group}"
    superblock = metadata.superblock
    start = group * superblock.group_blocks * superblock.block
    agf = metadata.read(start + superblock.sector, superblock.sector)
    magic, _, number, length, root, levels, first, last, spare, blocks = _AGF.unpack_from(agf)
    verify(agf, _AGF_CHECKSUM, what)
    if (
        (magic, number, length) != (b"XAGF", group, superblock.blocks_of(group))
        or agf[_AGF_UUID : _AGF_UUID + 16] != superblock.metadata_uuid
        or not 0 < levels <= _MOST_LEVELS
    ):
        raise IncompleteError(f"{what} is damaged: it belongs elsewhere")
    starts, ends = _tree(metadata, group, root, levels - 1, what)
    if sum(ends) - sum(starts) != blocks:
        raise IncompleteError(f"{what} is damaged: {sum(ends) - sum(starts)} of {blocks} free blocks are listed")
    free = _Free(starts, ends, frozenset())
    others = _spare(metadata, group, range(first, first + spare), last, what)
    if any(block >= length or free.holds(block) for block in others):
        raise IncompleteError(f"{what} is damaged: a spare block lies outside, or is listed twice")
    return replace(free, spare=others)


def _tree(metadata: Metadata, group: int, root: int, level: int, what: str) -> tuple[array[int], array[int]]:
    """Return where the runs of free blocks begin and end; a level of the tree is read at a time, from the root down."""
    superblock = metadata.superblock
    here = group * superblock.group_blocks
    count, size = superblock.blocks_of(group), superblock.block
    row = [root]
    while True:
        if any(block >= count for block in row) or len(set(row)) != len(row):
            raise IncompleteError(f"{what} is damaged: its tree leads outside, or to a place twice")
        metadata.blocks.prefetch([Extent((here + block) * size, size) for block in row])
        read = (_numbers(metadata, here + block, level, group, what) for block in row)
        if level == 0:
            return _in_order(read, count, what)
        row = [child for below in read for child in below]
        level -= 1


def _in_order(leaves: Iterable[array[int]], count: int, what: str) -> tuple[array[int], array[int]]:
    """Return where the runs of free blocks begin and end that the leaves of a tree list."""
    starts, ends = array("I"), array("I")
    end = 0
    for leaf in leaves:
        for start, length in zip(leaf[::2], leaf[1::2], strict=True):
            if start < end or not length or start + length > count:
                raise IncompleteError(f"{what} is damaged: its tree is out of order")
            end = start + length
            starts.append(start)
            ends.append(end)
        if len(starts) > _MOST_RECORDS:
            raise IncompleteError(f"{what} is in more than {_MOST_RECORDS} pieces")
    return starts, ends


def _numbers(metadata: Metadata, address: int, level: int, group: int, what: str) -> array[int]:
    """Return the children of a node of the tree, or starts and lengths of a leaf."""
    size = metadata.superblock.block
    block = metadata.read(address * size, size)
    magic, said, count, _, _ = _NODE.unpack_from(block)
    metadata.check(block, _STAMP, offset=address * size, owner=group, what=what)
    if magic != b"AB3B" or said != level:
        raise IncompleteError(f"{what} is damaged: a block of its tree is none")
    room = (size - _HEADER) // (_RECORD_BYTES + 4 if level else _RECORD_BYTES)
    if count > room or (level and not count):
        raise IncompleteError(f"{what} is damaged: a block of its tree has {count} entries")
    start = _HEADER + (room * _RECORD_BYTES if level else 0)
    words = count if level else 2 * count
    return array("I", Struct(f">{words}I").unpack_from(block, start))


def _spare(metadata: Metadata, group: int, indexes: range, last: int, what: str) -> frozenset[int]:
    """Return the blocks of the list of spare ones, which is a ring that fills a sector."""
    superblock = metadata.superblock
    sector = superblock.sector
    agfl = metadata.read(group * superblock.group_blocks * superblock.block + 3 * sector, sector)
    verify(agfl, _AGFL_CHECKSUM, what)
    room = (sector - _AGFL_HEADER) // 4
    if _AGFL.unpack_from(agfl) != (b"XAFL", group) or agfl[_AGFL_UUID : _AGFL_UUID + 16] != superblock.metadata_uuid:
        raise IncompleteError(f"{what} is damaged: its list of spare blocks belongs elsewhere")
    if indexes.start >= room or len(indexes) > room or (indexes and (indexes.stop - 1) % room != last):
        raise IncompleteError(f"{what} is damaged: its list of spare blocks does not fit")
    ring = Struct(f">{room}I").unpack_from(agfl, _AGFL_HEADER)
    return frozenset(ring[index % room] for index in indexes)
