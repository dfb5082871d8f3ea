"""Which blocks of the device the content of an inode lies in: a tree of extents, or a map of block numbers."""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING

from amigate.disk.blocks import Extent, IncompleteError
from amigate.disk.ext import block_map
from amigate.disk.ext.inodes import Flag
from amigate.disk.ext.metadata import verify
from amigate.disk.inode_tree.runs import Run
from amigate.disk.reader import MOST_EXTENTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from amigate.disk.ext.inodes import Node
    from amigate.disk.ext.metadata import Metadata

_HEADER = Struct("<HHHH4x")
_MAGIC = 0xF30A
_EXTENT = Struct("<IHHI")
_INDEX = Struct("<IIHxx")
_ENTRY_BYTES = 12
_NEAR = Struct("<32xI4xHH2xH4xIHHI")
"""Of an inode: flags; magic, count and level of the root of its tree, and the first extent there."""
_MOST_NEAR = 4
"""Extents that fit into an inode."""
_MOST_LEVELS = 5
_WRITTEN = 1 << 15
"""Most blocks of an extent; the length of one that was never written to is more by so many."""


def runs(metadata: Metadata, node: Node) -> Iterator[Run]:
    """Yield where the content of an inode lies, in the order of the file; what is not yielded is a hole.

    Raises IncompleteError for a map that is damaged."""
    number = node.inode.number
    end = 0
    found = _extents(metadata, node) if node.flags & Flag.EXTENTS else block_map.runs(metadata, node)
    for count, run in enumerate(found):
        logical, start, length, _ = run
        if logical < end or not length:
            raise IncompleteError(f"inode {number} is damaged: its extents are out of order")
        metadata.superblock.require(start, length)
        if count >= MOST_EXTENTS:
            raise IncompleteError(f"inode {number} has more than {MOST_EXTENTS} extents")
        end = logical + length
        yield run


def near(inodes: bytes, at: int) -> Iterator[tuple[int, int]]:
    """Yield what an inode that begins `at` says by itself of where its content lies, in blocks; nothing is checked."""
    flags, magic, count, level, _, length, high, low = _NEAR.unpack_from(inodes, at)
    if flags & Flag.INLINE:
        return
    if not flags & Flag.EXTENTS:
        yield from ((block, 1) for block in block_map.near(inodes, at) if block)
    elif magic == _MAGIC and not level and count:
        yield low | high << 32, length
        for number in range(1, min(count, _MOST_NEAR)):
            _, length, high, low = _EXTENT.unpack_from(inodes, at + _NEAR.size - _EXTENT.size + number * _ENTRY_BYTES)
            yield low | high << 32, length


def _extents(metadata: Metadata, node: Node) -> Iterator[Run]:
    """Yield what the tree holds whose root lies in the inode."""
    what = f"a node of the extents of inode {node.inode.number}"
    level, entries = _entries(node.pointers, what)
    if level > _MOST_LEVELS:
        raise IncompleteError(f"{what} is damaged: there are {level} levels below it")
    if not level:
        yield from _leaf(entries)
        return
    seen: set[int] = set()
    waiting = _children(metadata, level, entries)
    while waiting:
        level, logical, address = waiting.pop()
        if address in seen or len(seen) > MOST_EXTENTS:
            raise IncompleteError(f"{what} is damaged: the tree has no end")
        seen.add(address)
        said, entries = _entries(_checked(metadata, node, address, what), what)
        if said != level or not entries or int.from_bytes(entries[:4], "little") != logical:
            raise IncompleteError(f"{what} is damaged: it belongs elsewhere")
        if level:
            waiting += _children(metadata, level, entries)
        else:
            yield from _leaf(entries)


def _checked(metadata: Metadata, node: Node, address: int, what: str) -> bytes:
    """Return a block of the tree; a checksum follows the room for its entries."""
    block = metadata.block(address)
    end = _HEADER.size + int.from_bytes(block[4:6], "little") * _ENTRY_BYTES
    if end + 4 > len(block):
        raise IncompleteError(f"{what} is damaged: its entries do not fit into it")
    said = int.from_bytes(block[end : end + 4], "little")
    verify(metadata.superblock.seed, node.identity + block[:end], said, what)
    return block


def _entries(node: bytes, what: str) -> tuple[int, bytes]:
    """Return how many levels are below a node of the tree, and its entries."""
    magic, count, most, level = _HEADER.unpack_from(node)
    end = _HEADER.size + count * _ENTRY_BYTES
    if magic != _MAGIC or count > most or end > len(node):
        raise IncompleteError(f"{what} is damaged: it is none")
    return level, node[_HEADER.size : end]


def _children(metadata: Metadata, level: int, entries: bytes) -> list[tuple[int, int, int]]:
    """Return level, place in the file and block of each child, the first last."""
    found = [(level - 1, logical, low | high << 32) for logical, low, high in _INDEX.iter_unpack(entries)]
    size = metadata.superblock.block
    metadata.blocks.prefetch([Extent(metadata.superblock.require(block) * size, size) for _, _, block in found])
    return found[::-1]


def _leaf(entries: bytes) -> list[Run]:
    return [
        Run(logical, low | high << 32, length, is_written=True)
        if length <= _WRITTEN
        else Run(logical, low | high << 32, length - _WRITTEN, is_written=False)
        for logical, length, high, low in _EXTENT.iter_unpack(entries)
    ]
