"""Where inodes in use lie: the B+tree of each allocation group that lists them, sixty-four at a time.

It is asked ahead by alone: a walk goes by the entries of folders, so what is damaged here is passed over."""

from __future__ import annotations

from contextlib import suppress
from struct import Struct
from typing import TYPE_CHECKING, NamedTuple

from amigate.disk.blocks import Extent, IncompleteError
from amigate.disk.xfs.checksum import verify
from amigate.disk.xfs.metadata import Stamp

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from amigate.disk.xfs.metadata import Metadata

_MOST_GROUPS = 64
_MOST_BLOCKS = 1024
"""Of one level of all trees: leaves of so many list 16 million inodes."""
_MOST_LEVELS = 9
_AGI_SECTOR = 2
_AGI = Struct(">4sIII4xII")
_AGI_CHECKSUM = 312
_NODE = Struct(">4sHH")
_STAMP = Stamp(checksum=52, address=16, uuid=32, owner=48, owner_bytes=4)
_HEADER, _RECORD, _KEY_BYTES = 56, Struct(">IHBBQ"), 4
_NONE_USED = 0xFFFFFFFFFFFFFFFF


class _Block(NamedTuple):
    """A block of a tree."""

    group: int
    level: int
    """0 for a leaf."""
    number: int
    """Within the group."""


def in_use(metadata: Metadata) -> Iterator[int]:
    """Yield the first of every sixty-four inodes of which any is in use, as far as that can be told."""
    superblock = metadata.superblock
    waiting = list(_roots(metadata))
    while waiting:
        waiting = [block for block in waiting if block.number < superblock.blocks_of(block.group)]
        metadata.blocks.prefetch([Extent(_offset(metadata, block), superblock.block) for block in waiting])
        below: list[_Block] = []
        for block in waiting:
            with suppress(IncompleteError):
                entries = _entries(metadata, block)
                if block.level:
                    below += [_Block(block.group, block.level - 1, number) for number in entries]
                    continue
                first = block.group << superblock.group_log + superblock.inodes_log
                yield from (first + number for number in entries)
        waiting = below[:_MOST_BLOCKS]


def ask_heads(metadata: Metadata) -> None:
    """Ask for what says where the trees begin."""
    metadata.blocks.prefetch(_head(metadata, group) for group in range(min(metadata.superblock.groups, _MOST_GROUPS)))


def _head(metadata: Metadata, group: int) -> Extent:
    sector = metadata.superblock.sector
    return Extent(_offset(metadata, _Block(group, 0, 0)) + _AGI_SECTOR * sector, sector)


def _roots(metadata: Metadata) -> Iterator[_Block]:
    ask_heads(metadata)
    for group in range(min(metadata.superblock.groups, _MOST_GROUPS)):
        with suppress(IncompleteError):
            place = _head(metadata, group)
            header = metadata.read(place.offset, place.length)
            verify(header, _AGI_CHECKSUM, f"allocation group {group}")
            magic, _, number, _, root, levels = _AGI.unpack_from(header)
            if (magic, number) == (b"XAGI", group) and 0 < levels <= _MOST_LEVELS:
                yield _Block(group, levels - 1, root)


def _offset(metadata: Metadata, block: _Block) -> int:
    superblock = metadata.superblock
    return (block.group * superblock.group_blocks + block.number) * superblock.block


def _entries(metadata: Metadata, block: _Block) -> Sequence[int]:
    """Return the children of a node, or the inodes of a leaf of which not all are free."""
    offset, size = _offset(metadata, block), metadata.superblock.block
    what = f"a list of the inodes of allocation group {block.group}"
    content = metadata.read(offset, size)
    magic, level, count = _NODE.unpack_from(content)
    metadata.check(content, _STAMP, offset=offset, owner=block.group, what=what)
    room = (size - _HEADER) // (2 * _KEY_BYTES if block.level else _RECORD.size)
    if magic != b"IAB3" or level != block.level or count > room:
        raise IncompleteError(f"{what} is damaged")
    if level:
        return Struct(f">{count}I").unpack_from(content, _HEADER + room * _KEY_BYTES)
    records = content[_HEADER : _HEADER + count * _RECORD.size]
    return [first for first, _, _, _, free in _RECORD.iter_unpack(records) if free != _NONE_USED]
