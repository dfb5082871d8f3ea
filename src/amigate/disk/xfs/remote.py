"""Values that lie outside the inode: long targets of links, and long values of extended attributes.

A target has one header for each extent (xfs_symlink_remote_read), a value one for each block of the file system
(xfs_attr_rmtval_copyout); the header is the same but for its magic."""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING

from amigate.disk.blocks import IncompleteError
from amigate.disk.xfs.inodes import Format
from amigate.disk.xfs.mapping import runs
from amigate.disk.xfs.metadata import Stamp

if TYPE_CHECKING:
    from collections.abc import Iterable

    from amigate.disk.inode_tree.runs import Run
    from amigate.disk.xfs.inodes import Node
    from amigate.disk.xfs.metadata import Metadata

_STAMP = Stamp(checksum=12, address=40, uuid=16, owner=32)
_START = Struct(">4sII")
_HEADER = 56
_LONGEST_TARGET = 1024
LONGEST_VALUE = 1 << 16


def target(metadata: Metadata, node: Node) -> bytes:
    """Return where a link leads; raises IncompleteError where that is damaged."""
    size, number = node.inode.size, node.inode.number
    if not 0 < size <= _LONGEST_TARGET:
        raise IncompleteError(f"link {number} is damaged: its target has {size} bytes")
    if node.content.format == Format.LOCAL:
        found = node.content.data[:size]
        if len(found) != size:
            raise IncompleteError(f"link {number} is damaged: its target does not fit into its inode")
    else:
        pieces = ((run.start, run.length) for run in _all(metadata, node))
        found = _joined(metadata, pieces, b"XSLM", size, number)
    if b"\0" in found:
        raise IncompleteError(f"link {number} is damaged: its target cannot be one")
    return found


def value(metadata: Metadata, number: int, blocks: dict[int, int], first: int, size: int) -> bytes:
    """Return a value of `size` bytes of inode `number`, from block `first` of its attributes.

    `blocks` says where on the device these lie."""
    if size > LONGEST_VALUE:
        raise IncompleteError(f"inode {number} is damaged: an extended attribute has {size} bytes")
    needed = -(-size // (metadata.superblock.block - _HEADER))
    places = [blocks.get(block) for block in range(first, first + needed)]
    pieces = ((place, 1) for place in places if place is not None)
    return _joined(metadata, pieces, b"XARM", size, number)


def _all(metadata: Metadata, node: Node) -> Iterable[Run]:
    end = 0
    for run in runs(metadata, node, node.content):
        if run.logical != end or run.end * metadata.superblock.block > LONGEST_VALUE:
            raise IncompleteError(f"link {node.inode.number} is damaged: its extents cannot be those of a link")
        end = run.end
        yield run


def _joined(metadata: Metadata, pieces: Iterable[tuple[int, int]], magic: bytes, size: int, number: int) -> bytes:
    """Return what lies in pieces of the device (block and count), each with a header."""
    found = bytearray()
    what = f"a value outside of inode {number}"
    for start, count in pieces:
        offset = start * metadata.superblock.block
        piece = metadata.read(offset, count * metadata.superblock.block)
        length = min(size - len(found), len(piece) - _HEADER)
        if not length:
            break
        metadata.check(piece, _STAMP, offset=offset, owner=number, what=what)
        if _START.unpack_from(piece) != (magic, len(found), length):
            raise IncompleteError(f"{what} is damaged: it is another part")
        found += piece[_HEADER : _HEADER + length]
    if len(found) != size:
        raise IncompleteError(f"{what} is damaged: {len(found)} of {size} bytes are there")
    return bytes(found)
