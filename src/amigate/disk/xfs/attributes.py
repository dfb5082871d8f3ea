"""Extended attributes: in the inode, in one block, or in blocks below a tree of hashes."""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING

from amigate.disk.blocks import IncompleteError
from amigate.disk.xfs import remote
from amigate.disk.xfs.acl import as_shown
from amigate.disk.xfs.inodes import Format
from amigate.disk.xfs.mapping import runs
from amigate.disk.xfs.metadata import Stamp

if TYPE_CHECKING:
    from collections.abc import Iterator

    from amigate.disk.xfs.inodes import Node
    from amigate.disk.xfs.metadata import Metadata

_MOST_BYTES = 16 * 1024 * 1024
"""Of the extended attributes of one inode."""
_LOCAL, _ROOT, _SECURE, _PARENT, _INCOMPLETE = 1 << 0, 1 << 1, 1 << 2, 1 << 3, 1 << 7
_STAMP = Stamp(checksum=12, address=16, uuid=32, owner=48)
_START = Struct(">8xH")
_LEAF, _NODE = 0x3BEE, 0x3EBE
_LEAF_HEADER = Struct(">56xH22x")
_NODE_HEADER = Struct(">56xHHxxxx")
_CHILD = Struct(">II")
_ENTRY = Struct(">IHBx")
_LOCAL_VALUE = Struct(">HB")
_REMOTE_VALUE = Struct(">IIB")
_MOST_LEVELS = 5
"""As XFS_DA_NODE_MAXDEPTH."""


def xattrs(metadata: Metadata, node: Node) -> dict[str, bytes]:
    """Return the extended attributes as getxattr(2) shows them to root; raises IncompleteError for damage."""
    found: dict[str, bytes] = {}
    left = _MOST_BYTES
    for flags, raw, value in _all(metadata, node):
        left -= len(raw) + len(value)
        if left < 0:
            raise IncompleteError(f"inode {node.inode.number} has more than {_MOST_BYTES} bytes of attributes")
        # Parents are how the file system finds its way back; what is incomplete was never there.
        if flags & (_PARENT | _INCOMPLETE):
            continue
        space = "trusted." if flags & _ROOT else "security." if flags & _SECURE else "user."
        name = space + raw.decode("utf-8", "surrogateescape")
        found[name] = value
        found.update(as_shown(name, value))
    return found


def _all(metadata: Metadata, node: Node) -> Iterator[tuple[int, bytes, bytes]]:
    """Yield flags, name and value of each attribute."""
    fork = node.attributes
    if fork is None:
        return
    if fork.format == Format.LOCAL:
        yield from _short(fork.data, node.inode.number)
    elif fork.extents:
        yield from _blocks(metadata, node)


def _short(data: bytes, number: int) -> Iterator[tuple[int, bytes, bytes]]:
    size = int.from_bytes(data[:2], "big")
    count = data[2] if len(data) > 2 else 0  # noqa: PLR2004 - the place of the count
    at = 4
    for _ in range(count):
        if at + 3 > min(size, len(data)):
            raise IncompleteError(f"inode {number} is damaged: its attributes do not fit into it")
        length, value_length, flags = data[at : at + 3]
        value_at = at + 3 + length
        end = value_at + value_length
        yield flags, data[at + 3 : value_at], data[value_at:end]
        at = end
    if at != size or size > len(data):
        raise IncompleteError(f"inode {number} is damaged: its attributes do not fit into it")


def _blocks(metadata: Metadata, node: Node) -> Iterator[tuple[int, bytes, bytes]]:
    places = _places(metadata, node)
    number = node.inode.number
    waiting = [(0, _MOST_LEVELS)]
    seen: set[int] = set()
    while waiting:
        address, most = waiting.pop()
        if address in seen or address not in places:
            raise IncompleteError(f"inode {number} is damaged: its tree of attributes leads nowhere")
        seen.add(address)
        what = f"a block of the attributes of inode {number}"
        offset = places[address] * metadata.superblock.block
        block = metadata.read(offset, metadata.superblock.block)
        metadata.check(block, _STAMP, offset=offset, owner=number, what=what)
        (magic,) = _START.unpack_from(block)
        if magic == _LEAF:
            yield from _leaf(metadata, block, places, number)
        elif magic == _NODE and most:
            waiting += [(child, most - 1) for child in _children(block, what)]
        else:
            raise IncompleteError(f"{what} is damaged: it is none")


def _places(metadata: Metadata, node: Node) -> dict[int, int]:
    """Return where on the device the blocks of the attributes lie."""
    places: dict[int, int] = {}
    assert node.attributes is not None  # only asked where there are some
    for run in runs(metadata, node, node.attributes):
        if (len(places) + run.length) * metadata.superblock.block > 4 * _MOST_BYTES:
            raise IncompleteError(f"inode {node.inode.number} has more attributes than are read")
        places.update((run.logical + at, run.start + at) for at in range(run.length))
    return places


def _children(block: bytes, what: str) -> list[int]:
    """Return the blocks below a node of the tree, the first last."""
    count, _ = _NODE_HEADER.unpack_from(block)
    end = _NODE_HEADER.size + count * _CHILD.size
    if not count or end > len(block):
        raise IncompleteError(f"{what} is damaged: it has {count} children")
    return [child for _, child in _CHILD.iter_unpack(block[_NODE_HEADER.size : end])][::-1]


def _leaf(metadata: Metadata, block: bytes, places: dict[int, int], number: int) -> Iterator[tuple[int, bytes, bytes]]:
    (count,) = _LEAF_HEADER.unpack_from(block)
    end = _LEAF_HEADER.size + count * _ENTRY.size
    if end > len(block):
        raise IncompleteError(f"inode {number} is damaged: {count} attributes do not fit into a block")
    for _, at, flags in _ENTRY.iter_unpack(block[_LEAF_HEADER.size : end]):
        header = _LOCAL_VALUE if flags & _LOCAL else _REMOTE_VALUE
        if at < end or at + header.size > len(block):
            raise IncompleteError(f"inode {number} is damaged: an attribute lies outside its block")
        *place, size, length = (0, *header.unpack_from(block, at))
        name_at = at + header.size
        value_at = name_at + length
        if value_at + (size if flags & _LOCAL else 0) > len(block):
            raise IncompleteError(f"inode {number} is damaged: an attribute lies outside its block")
        if flags & _LOCAL:
            value = block[value_at : value_at + size]
        elif flags & _INCOMPLETE:
            value = b""
        else:
            value = remote.value(metadata, number, places, place[-1], size)
        yield flags, block[name_at:value_at], value
