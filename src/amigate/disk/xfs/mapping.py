"""Which blocks of the device a fork of an inode lies in: a list of extents in the inode, or a B+tree of them."""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING

from amigate.disk.blocks import Extent, IncompleteError, UnsupportedError
from amigate.disk.inode_tree.runs import Run
from amigate.disk.reader import MOST_EXTENTS
from amigate.disk.xfs.inodes import CORE, Format
from amigate.disk.xfs.metadata import Stamp

if TYPE_CHECKING:
    from collections.abc import Iterator

    from amigate.disk.xfs.inodes import Fork, Node
    from amigate.disk.xfs.metadata import Metadata
    from amigate.disk.xfs.superblock import Superblock

_RECORD = Struct(">QQ")
"""From the highest bit: 1 whether it is unwritten, 54 where in the file, 52 where on the device, 21 how many blocks."""
_LOGICAL, _COUNT = (1 << 54) - 1, (1 << 21) - 1
_ROOT = Struct(">HH")
_NODE = Struct(">4sHH")
_STAMP = Stamp(checksum=64, address=24, uuid=40, owner=56)
_HEADER = 72
_NEAR = Struct(">5xB70xI")
"""Of an inode: the format of its content, and how many extents it has where these are not many."""
_MOST_NEAR = 4
_MOST_LEVELS = 9
"""As XFS_BM_MAXLEVELS."""


def runs(metadata: Metadata, node: Node, fork: Fork) -> Iterator[Run]:
    """Yield where a fork lies, in the order of the file; what is not yielded is a hole.

    Raises IncompleteError for a list that is damaged, or is not whole at its end."""
    number = node.inode.number
    end = count = 0
    for some in _runs(metadata, number, fork):
        for run in some:
            logical, _, length, _ = run
            if logical < end or not length:
                raise IncompleteError(f"inode {number} is damaged: its extents are out of order")
            end = logical + length
            yield run
        count += len(some)
        if count > MOST_EXTENTS:
            raise IncompleteError(f"inode {number} has more than {MOST_EXTENTS} extents")
    if count != fork.extents:
        raise IncompleteError(f"inode {number} is damaged: it has {count} of {fork.extents} extents")


def near(superblock: Superblock, inodes: bytes, at: int) -> Iterator[tuple[int, int]]:
    """Yield where the content of an inode lies that begins `at`, and how many blocks, as far as it says so by itself.

    Nothing is checked."""
    kind, count = _NEAR.unpack_from(inodes, at)
    if kind != Format.EXTENTS:
        return
    for number in range(min(count, _MOST_NEAR)):
        high, low = _RECORD.unpack_from(inodes, at + CORE + number * _RECORD.size)
        block = (high & 0x1FF) << 43 | low >> 21
        group, block = block >> superblock.group_log, block & (1 << superblock.group_log) - 1
        yield group * superblock.group_blocks + block, low & _COUNT


def _runs(metadata: Metadata, number: int, fork: Fork) -> Iterator[list[Run]]:
    """Yield what a fork says, a block of it at a time."""
    match fork.format:
        case Format.LOCAL:
            return
        case Format.EXTENTS:
            yield _records(metadata, number, fork.data, fork.extents)
        case Format.BTREE:
            yield from _tree(metadata, number, fork.data)
        case _:
            raise UnsupportedError(f"inode {number}: a fork of format {fork.format} is not read")


def _tree(metadata: Metadata, number: int, root: bytes) -> Iterator[list[Run]]:
    """Yield what the tree holds whose root lies in the inode."""
    level, count = _ROOT.unpack_from(root) if len(root) >= _ROOT.size else (0, 0)
    if not 0 < level <= _MOST_LEVELS:
        raise IncompleteError(f"inode {number} is damaged: its tree of extents has {level} levels")
    seen: set[int] = set()
    # The last is the next; each level is read as it is come to.
    waiting = [(block, level - 1) for block in _children(metadata, number, root[_ROOT.size :], count)]
    while waiting:
        address, level = waiting.pop()
        if address in seen or len(seen) > MOST_EXTENTS:
            raise IncompleteError(f"inode {number} is damaged: its tree of extents has no end")
        seen.add(address)
        what = f"a block of the extents of inode {number}"
        offset = address * metadata.superblock.block
        block = metadata.read(offset, metadata.superblock.block)
        magic, said, count = _NODE.unpack_from(block)
        if magic != b"BMA3" or said != level:
            raise IncompleteError(f"{what} is damaged: it is none")
        metadata.check(block, _STAMP, offset=offset, owner=number, what=what)
        if level:
            waiting += [(child, level - 1) for child in _children(metadata, number, block[_HEADER:], count)]
        else:
            yield _records(metadata, number, block[_HEADER:], count)


def _children(metadata: Metadata, number: int, node: bytes, count: int) -> list[int]:
    """Return where the children of a node of the tree lie, the first last."""
    room = len(node) // 16
    if not 0 < count <= room:
        raise IncompleteError(f"inode {number} is damaged: a node of its extents has {count} children")
    found = Struct(f">{count}Q").unpack_from(node, room * 8)
    children = [metadata.superblock.block_at(child) for child in reversed(found)]
    size = metadata.superblock.block
    metadata.blocks.prefetch([Extent(child * size, size) for child in reversed(children)])
    return children


def _records(metadata: Metadata, number: int, records: bytes, count: int) -> list[Run]:
    if count * _RECORD.size > len(records):
        raise IncompleteError(f"inode {number} is damaged: {count} extents do not fit where they are said to lie")
    place = metadata.superblock.block_at
    return [
        Run(
            high >> 9 & _LOGICAL,
            place((high & 0x1FF) << 43 | low >> 21, low & _COUNT),
            low & _COUNT,
            not high >> 63,
        )
        for high, low in _RECORD.iter_unpack(records[: count * _RECORD.size])
    ]
