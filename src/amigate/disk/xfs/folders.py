"""The entries of a folder: in its inode, in one block, or in blocks with an index behind them.

The index (leaf, node and free blocks, from 32 GiB of the folder on) repeats what the blocks of entries hold, and is not
read: all blocks of entries are."""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING

from amigate.disk.blocks import IncompleteError
from amigate.disk.inode_tree.names import Names, named
from amigate.disk.reader import MOST_FOLDER_BYTES
from amigate.disk.xfs.inodes import Format
from amigate.disk.xfs.mapping import runs
from amigate.disk.xfs.metadata import Stamp

if TYPE_CHECKING:
    from collections.abc import Iterator

    from amigate.disk.inode_tree.runs import Run
    from amigate.disk.xfs.inodes import Node
    from amigate.disk.xfs.metadata import Metadata

_INDEX = 1 << 35
"""Where in a folder its index begins."""
_STAMP = Stamp(checksum=4, address=8, uuid=24, owner=40)
_HEADER = 64
_ONE_BLOCK, _BLOCK = b"XDB3", b"XDD3"
_ENTRY = Struct(">QB")
_UNUSED = 0xFFFF << 48
_TAIL = Struct(">II")


def entries(metadata: Metadata, node: Node, data: list[Run] | None = None) -> Iterator[Names]:
    """Yield what is in a folder, some at a time, without `.` and `..`; `data` is what `data_runs` returns.

    Raises IncompleteError where part of it cannot be read."""
    what = f"folder {node.inode.number}"
    if node.content.format == Format.LOCAL:
        yield named(*_short(metadata, node, what), what)
    else:
        for raw, numbers in _blocks(metadata, node, data_runs(metadata, node) if data is None else data, what):
            yield named(raw, numbers, what)


def data_runs(metadata: Metadata, node: Node) -> list[Run]:
    """Return where the blocks with the entries of a folder lie; raises IncompleteError where that cannot be."""
    if node.inode.size > MOST_FOLDER_BYTES:
        raise IncompleteError(f"folder {node.inode.number} is larger than {MOST_FOLDER_BYTES} bytes")
    index = _INDEX >> metadata.superblock.block_log
    end = node.inode.size >> metadata.superblock.block_log
    found: list[Run] = []
    for run in runs(metadata, node, node.content):
        if run.logical < index:
            if run.end > end or not run.is_written:
                raise IncompleteError(f"folder {node.inode.number} is damaged: its extents cannot be those of a folder")
            found.append(run)
    return found


def _short(metadata: Metadata, node: Node, what: str) -> tuple[list[bytes], list[int]]:
    """Return the names in a folder that lies in its inode, and what they mean."""
    data = node.content.data[: node.inode.size]
    if len(data) != node.inode.size or len(data) < 2:  # noqa: PLR2004 - the two counts
        raise IncompleteError(f"{what} is damaged: it does not fit into its inode")
    count, wide = data[0], data[1]
    width = 8 if wide else 4
    typed = metadata.superblock.has_types
    at = 2 + width
    raw: list[bytes] = []
    numbers: list[int] = []
    for _ in range(count):
        length = data[at] if at < len(data) else 0
        name_end = at + 3 + length
        end = name_end + typed + width
        raw.append(data[at + 3 : name_end])
        numbers.append(int.from_bytes(data[end - width : end], "big"))
        at = end
    if at != len(data):
        raise IncompleteError(f"{what} is damaged: its entries do not fit into it")
    return raw, numbers


def _blocks(metadata: Metadata, node: Node, data: list[Run], what: str) -> Iterator[tuple[list[bytes], list[int]]]:
    """Yield the names in each block of a folder that has blocks, and what they mean."""
    superblock = metadata.superblock
    size = node.inode.size
    if size <= 0 or size % superblock.folder_block:
        raise IncompleteError(f"{what} is damaged: its size is {size}")
    last = size // superblock.folder_block - 1
    number = -1
    for number, block in _gathered(metadata, node, data, what):
        is_whole = block[:4] == _ONE_BLOCK
        if not (is_whole and last == 0) and block[:4] != _BLOCK:
            raise IncompleteError(f"{what} is damaged: a block of it is none")
        yield _parse(block, what, is_whole=is_whole, typed=superblock.has_types, is_first=number == 0)
    if number != last:
        raise IncompleteError(f"{what} is damaged: its last block is missing")


def _gathered(metadata: Metadata, node: Node, data: list[Run], what: str) -> Iterator[tuple[int, bytes]]:
    """Yield number and bytes of each block of a folder, checked; it may lie in several places of the device."""
    size = metadata.superblock.block
    per_block = metadata.superblock.folder_block // size
    parts: list[bytes] = []
    first = offset = 0
    for run in data:
        logical, start, end = run.logical, run.start, run.end
        while logical < end:
            if logical % per_block != len(parts) or (parts and logical != first + len(parts)):
                raise IncompleteError(f"{what} is damaged: there is a hole in a block of it")
            if not parts:
                first, offset = logical, start * size
            if not parts and end - logical >= per_block:
                block = metadata.read(offset, per_block * size)
                taken = per_block
            else:
                parts.append(metadata.read(start * size, size))
                block = b"".join(parts)
                taken = 1
            logical, start = logical + taken, start + taken
            if logical == first + per_block:
                metadata.check(block, _STAMP, offset=offset, owner=node.inode.number, what=f"a block of {what}")
                yield first // per_block, block
                parts = []
    if parts:
        raise IncompleteError(f"{what} is damaged: there is a hole in a block of it")


def _parse(block: bytes, what: str, *, is_whole: bool, typed: bool, is_first: bool) -> tuple[list[bytes], list[int]]:
    """Return the names in one block and what they mean, without the `.` and `..` that the first begins with."""
    end = len(block)
    expected = -1
    if is_whole:
        count, stale = _TAIL.unpack_from(block, end - _TAIL.size)
        end -= _TAIL.size + count * 8
        expected = count - stale
    raw: list[bytes] = []
    numbers: list[int] = []
    at = _HEADER
    behind = 9 + typed
    block += b"\0"  # so that the last eight bytes can be read as an entry too
    while at + 8 <= end:
        number, length = _ENTRY.unpack_from(block, at)
        if number >= _UNUSED:
            length = number >> 32 & 0xFFFF
            if not length or length % 8:
                break
            at += length
            continue
        name = at + 9
        name_end = name + length
        raw.append(block[name:name_end])
        numbers.append(number)
        at = name_end + behind & ~7
    if at != end or (is_whole and len(raw) != expected):
        raise IncompleteError(f"{what} is damaged: the entries of a block of it do not fit into it")
    if is_first:
        if raw[:2] != [b".", b".."]:
            raise IncompleteError(f"{what} is damaged: it does not begin with itself")
        return raw[2:], numbers[2:]
    return raw, numbers
