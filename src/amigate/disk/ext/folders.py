"""The entries of a folder: in its blocks, or in its inode."""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING

from amigate.disk.blocks import IncompleteError
from amigate.disk.ext import inline
from amigate.disk.ext.index import LARGEST_PLAIN, counts_at, length_of, verify_index
from amigate.disk.ext.inodes import Flag
from amigate.disk.ext.mapping import runs
from amigate.disk.ext.metadata import verify
from amigate.disk.inode_tree.names import Names, named
from amigate.disk.reader import MOST_FOLDER_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from amigate.disk.ext.inodes import Node
    from amigate.disk.ext.metadata import Metadata
    from amigate.disk.inode_tree.runs import Run

_ENTRY = Struct("<IHB")
_LEAST = 12
_TAIL_BYTES = 12
_TAIL = b"\0\0\0\0\x0c\0\0\xde"
"""What a checksum follows: an entry that is not used."""


def entries(metadata: Metadata, node: Node, found: list[Run] | None = None) -> Iterator[Names]:
    """Yield what is in a folder, some at a time, without `.` and `..`; `found` is what `folder_runs` returns.

    Raises IncompleteError where part of it cannot be read."""
    what = f"folder {node.inode.number}"
    if node.flags & Flag.INLINE:
        for piece in inline.entries(node):
            yield named(*_parse(piece, what, is_large=False), what)
    else:
        for raw, numbers in _blocks(metadata, node, folder_runs(metadata, node) if found is None else found, what):
            yield named(raw, numbers, what)


def folder_runs(metadata: Metadata, node: Node) -> list[Run]:
    """Return where the blocks of a folder lie; raises IncompleteError where that cannot be, or not all are there."""
    if node.flags & Flag.INLINE:
        return []
    size, number = node.inode.size, node.inode.number
    if size > MOST_FOLDER_BYTES:
        raise IncompleteError(f"folder {number} is larger than {MOST_FOLDER_BYTES} bytes")
    found: list[Run] = []
    end = 0
    blocks = size >> metadata.superblock.block_log
    for run in runs(metadata, node):
        if run.logical >= blocks:
            break
        if run.logical != end or not run.is_written:
            raise IncompleteError(f"folder {number} is damaged: there is a hole in it")
        end = run.end
        found.append(run)
    if end < blocks or not blocks or size % metadata.superblock.block:
        raise IncompleteError(f"folder {number} is damaged: {end} of {blocks} blocks are there")
    return found


def _blocks(metadata: Metadata, node: Node, found: list[Run], what: str) -> Iterator[tuple[list[bytes], list[int]]]:
    """Yield the names in each block of a folder that has blocks, and what they mean."""
    superblock = metadata.superblock
    blocks = node.inode.size >> superblock.block_log
    is_large = superblock.block >= LARGEST_PLAIN
    seen: set[int] = set()
    for run in found:
        for at in range(min(run.length, blocks - run.logical)):
            block = metadata.block(run.start + at)
            _verify(superblock.seed, node, block, f"a block of {what}")
            raw, numbers = _parse(block, what, is_large=is_large)
            if raw and blocks > 1:  # the checksum of a block says whose it is, and not which
                if hash(block) in seen:
                    raise IncompleteError(f"{what} is damaged: a block of it stands in the place of another too")
                seen.add(hash(block))
            if run.logical + at == 0:
                if raw[:2] != [b".", b".."] or numbers[0] != node.inode.number:
                    raise IncompleteError(f"{what} is damaged: it does not begin with itself")
                raw, numbers = raw[2:], numbers[2:]
            yield raw, numbers


def _verify(seed: int | None, node: Node, block: bytes, what: str) -> None:
    """Raise IncompleteError unless the checksum of a block is right: one of entries, or one of an index."""
    if seed is None:
        return
    at = counts_at(block) if node.flags & Flag.INDEX else 0
    if at:  # the end of the entries that were there before may still stand in it
        verify_index(seed, node, block, at, what)
        return
    tail = len(block) - _TAIL_BYTES
    if block[tail : tail + 8] != _TAIL:
        raise IncompleteError(f"{what} is damaged: it has no checksum")
    verify(seed, node.identity + block[:tail], int.from_bytes(block[-4:], "little"), what)


def _parse(block: bytes, what: str, *, is_large: bool) -> tuple[list[bytes], list[int]]:
    """Return the names in one block, or one piece of an inode, and what they mean."""
    raw: list[bytes] = []
    numbers: list[int] = []
    at, end = 0, len(block)
    unpack = _ENTRY.unpack_from
    block += bytes(8)  # so that there is something to be unpacked up to the end
    while at < end:
        number, length, size = unpack(block, at)
        if is_large:
            length = length_of(length, LARGEST_PLAIN)
        if length < _LEAST or length & 3 or size + 8 > length:
            break
        if number:
            name = at + 8
            raw.append(block[name : name + size])
            numbers.append(number)
        at += length
    if at != end:
        raise IncompleteError(f"{what} is damaged: the entries of a block of it do not fit into it")
    return raw, numbers
