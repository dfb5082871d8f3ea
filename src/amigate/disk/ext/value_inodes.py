"""Values of extended attributes that have an inode of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amigate.disk.blocks import IncompleteError
from amigate.disk.crc32c import extended
from amigate.disk.ext.inodes import Flag
from amigate.disk.ext.mapping import runs
from amigate.disk.ext.metadata import ONES

if TYPE_CHECKING:
    from amigate.disk.ext.inodes import Inodes
    from amigate.disk.ext.metadata import Metadata

MOST_BYTES = 16 * 1024 * 1024
"""Of the extended attributes of one inode."""
_LONGEST = 1 << 16
"""As XATTR_SIZE_MAX."""
_HASH = slice(8, 12)
"""Where such an inode keeps the hash of its value: in place of the time of the last access."""


def value_of(metadata: Metadata, inodes: Inodes, number: int, size: int) -> bytes:
    """Return the value of `size` bytes that inode `number` holds; raises IncompleteError where it holds none such."""
    what = f"inode {number}, a value of an extended attribute,"
    node = inodes.internal(number)
    if not node.flags & Flag.EA_INODE or node.inode.size != size or size > _LONGEST:
        raise IncompleteError(f"{what} is damaged: it is none")
    superblock = metadata.superblock
    found = bytearray()
    for run in runs(metadata, node):
        if run.logical << superblock.block_log != len(found) or not run.is_written:
            raise IncompleteError(f"{what} is damaged: there is a hole in it")
        length = min(run.length << superblock.block_log, size - len(found))
        found += metadata.blocks.read(run.start << superblock.block_log, length)
        if len(found) == size:
            break
    hashed = extended(superblock.value_seed, bytes(found)) ^ ONES
    if len(found) != size or hashed != int.from_bytes(node.raw[_HASH], "little"):
        raise IncompleteError(f"{what} is damaged: its hash is wrong")
    return bytes(found)
