"""The block map of ext2 and ext3: numbers of blocks in the inode, and in blocks of numbers up to three levels deep."""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING

from amigate.disk.blocks import Extent, IncompleteError
from amigate.disk.inode_tree.runs import Run
from amigate.disk.reader import MOST_EXTENTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from amigate.disk.ext.inodes import Node
    from amigate.disk.ext.metadata import Metadata

_DIRECT = 12
_POINTERS, _POINTERS_AT = Struct("<15I"), 40


def runs(metadata: Metadata, node: Node) -> Iterator[Run]:
    """Yield where the content of an inode lies, up to its size, neighbours put together."""
    logical = start = length = 0
    for at, block in _blocks(metadata, node):
        if block == start + length and at == logical + length:
            length += 1
            continue
        if length:
            yield Run(logical, start, length, is_written=True)
        logical, start, length = at, block, 1
    if length:
        yield Run(logical, start, length, is_written=True)


def near(inodes: bytes, at: int) -> tuple[int, ...]:
    """Return the numbers of the blocks, or of blocks of numbers, that an inode has in itself which begins `at`."""
    return _POINTERS.unpack_from(inodes, at + _POINTERS_AT)


def _blocks(metadata: Metadata, node: Node) -> Iterator[tuple[int, int]]:
    """Yield place in the file and number of each block."""
    superblock = metadata.superblock
    per_block_log = superblock.block_log - 2
    end = -(-node.inode.size >> superblock.block_log)
    pointers = _POINTERS.unpack(node.pointers)
    yield from _leaf(pointers[:_DIRECT], 0, end)
    first = _DIRECT
    waiting: list[tuple[int, int, int]] = []
    """Level, place in the file and number of blocks of numbers, the first last."""
    for level, block in enumerate(pointers[_DIRECT:]):
        if block and first < end:
            waiting.insert(0, (level, first, block))
        first += 1 << per_block_log * (level + 1)
    seen: set[int] = set()
    unpack = Struct(f"<{1 << per_block_log}I").unpack
    while waiting:
        level, first, block = waiting.pop()
        if block in seen or len(seen) > MOST_EXTENTS:
            raise IncompleteError(f"inode {node.inode.number} is damaged: its map of blocks has no end")
        seen.add(block)
        numbers = unpack(metadata.block(block))
        if not level:
            yield from _leaf(numbers, first, end)
            continue
        step = 1 << per_block_log * level
        below = [(level - 1, first + at * step, each) for at, each in enumerate(numbers) if each]
        below = [each for each in below if each[1] < end]
        metadata.blocks.prefetch(
            [Extent(superblock.require(each) << superblock.block_log, superblock.block) for _, _, each in below]
        )
        waiting += below[::-1]


def _leaf(numbers: Sequence[int], first: int, end: int) -> Iterator[tuple[int, int]]:
    for at, block in enumerate(numbers[: max(end - first, 0)], first):
        if block:
            yield at, block
