"""Extended attributes: behind the fields of the inode, in a block of its own, or with their values in inodes."""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, NamedTuple

from amigate.disk.blocks import IncompleteError
from amigate.disk.ext.acl import as_shown
from amigate.disk.ext.features import Incompatible
from amigate.disk.ext.inodes import SMALL
from amigate.disk.ext.metadata import verify
from amigate.disk.ext.value_inodes import MOST_BYTES, value_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from amigate.disk.ext.inodes import Inodes, Node
    from amigate.disk.ext.metadata import Metadata

_MAGIC = (0xEA020000).to_bytes(4, "little")
_ENTRY = Struct("<BBHII4x")
_BLOCK_HEADER, _CHECKSUM, _BLOCKS = 32, 16, 8
_ACL_LOW, _ACL_HIGH = 104, 118
_POSIX = {2: "system.posix_acl_access", 3: "system.posix_acl_default"}
_PREFIXES = {1: "user.", 4: "trusted.", 6: "security.", 10: "gnu."}
"""Of what is shown. Others are the file system's own: content (7), encryption (9), where fs-verity lies (11)."""
_OWN, _CONTENT = 7, b"data"


class _Attribute(NamedTuple):
    """An attribute whose value was not looked for yet."""

    space: int
    """Which prefix its name has."""
    name: bytes
    value: bytes
    """Empty where it lies in an inode."""
    inode: int
    """Where its value lies, 0 where that is here."""
    size: int


def xattrs(metadata: Metadata, inodes: Inodes, node: Node) -> dict[str, bytes]:
    """Return the extended attributes as getxattr(2) shows them to root; raises IncompleteError for damage."""
    found: dict[str, bytes] = {}
    left = MOST_BYTES
    for each in _all(metadata, node):
        if each.space not in _PREFIXES and each.space not in _POSIX:
            continue
        left -= len(each.name) + each.size
        if left < 0:
            raise IncompleteError(f"inode {node.inode.number} has more than {MOST_BYTES} bytes of attributes")
        value = value_of(metadata, inodes, each.inode, each.size) if each.inode else each.value
        name = each.name.decode("utf-8", "surrogateescape")
        if each.space in _POSIX:
            found.setdefault(_POSIX[each.space], as_shown(value))
        else:
            found.setdefault(_PREFIXES[each.space] + name, value)
    return found


def content(node: Node) -> bytes | None:
    """Return what of the content of a file lies among its attributes; None where there is no such attribute."""
    values = (each.value for each in _inside(node) if (each.space, each.name, each.inode) == (_OWN, _CONTENT, 0))
    return next(values, None)


def _all(metadata: Metadata, node: Node) -> Iterator[_Attribute]:
    yield from _inside(node)
    superblock = metadata.superblock
    number = int.from_bytes(node.raw[_ACL_LOW : _ACL_LOW + 4], "little")
    if superblock.incompatible & Incompatible.BITS_64:
        number |= int.from_bytes(node.raw[_ACL_HIGH : _ACL_HIGH + 2], "little") << 32
    if not number:
        return
    what = f"the block of the attributes of inode {node.inode.number}"
    block = metadata.block(number)
    if block[:4] != _MAGIC or block[_BLOCKS : _BLOCKS + 4] != b"\1\0\0\0":
        raise IncompleteError(f"{what} is damaged: it is none")
    summed = number.to_bytes(8, "little") + block[:_CHECKSUM] + bytes(4) + block[_CHECKSUM + 4 :]
    verify(superblock.seed, summed, int.from_bytes(block[_CHECKSUM : _CHECKSUM + 4], "little"), what)
    yield from _entries(block, _BLOCK_HEADER, 0, what)


def _inside(node: Node) -> Iterator[_Attribute]:
    """Yield the attributes that lie in an inode."""
    extra = int.from_bytes(node.raw[SMALL : SMALL + 2], "little")
    at = SMALL + extra
    if not extra or node.raw[at : at + 4] != _MAGIC:
        return
    yield from _entries(node.raw, at + 4, at + 4, f"inode {node.inode.number}")


def _entries(data: bytes, at: int, base: int, what: str) -> Iterator[_Attribute]:
    """Yield the attributes whose entries begin `at`; places of values are counted from `base`."""
    size = len(data)
    left = size
    data += bytes(4)  # so that the end of the entries is there in any case
    while data[at : at + 4] != bytes(4):
        name_at = at + _ENTRY.size
        if name_at > size:
            raise IncompleteError(f"{what} is damaged: its attributes do not fit into it")
        length, space, value_at, inode, value_size = _ENTRY.unpack_from(data, at)
        start = base + value_at
        left -= 0 if inode else value_size
        if name_at + length > size or left < 0 or (not inode and value_size and start + value_size > size):
            raise IncompleteError(f"{what} is damaged: its attributes do not fit into it")
        value = b"" if inode else data[start : start + value_size]
        yield _Attribute(space, data[name_at : name_at + length], value, inode, value_size)
        at = name_at + (length + 3 & ~3)
