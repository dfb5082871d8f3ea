"""Blocks of metadata, and the checksums that they are believed by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amigate.disk.blocks import IncompleteError
from amigate.disk.crc32c import crc32c, extended
from amigate.disk.inode_tree.chunks import Chunks

if TYPE_CHECKING:
    from amigate.disk.blocks import Blocks
    from amigate.disk.ext.superblock import Superblock

ONES = 0xFFFFFFFF
"""ext4 keeps a CRC32C without its last step, which turns all bits around."""


class Metadata(Chunks):
    """What is read of a file system beside the content of its files."""

    def __init__(self, superblock: Superblock, blocks: Blocks) -> None:
        super().__init__(blocks)
        self.superblock = superblock

    def block(self, number: int) -> bytes:
        """Return a block; raises IncompleteError where there is no such."""
        superblock = self.superblock
        return self.read(superblock.require(number) << superblock.block_log, superblock.block)


def verify(seed: int | None, data: bytes, said: int, what: str) -> None:
    """Raise IncompleteError about `what` unless `said` is the checksum of `data`; `seed` None where there are none."""
    if seed is not None and extended(seed, data) ^ ONES != said:
        raise IncompleteError(f"{what} is damaged: its checksum is wrong")


def verify_alone(data: bytes, said: int, what: str) -> None:
    """Raise IncompleteError about `what` unless `said` is the checksum of `data`, which goes on from nothing."""
    if crc32c(data) ^ ONES != said:
        raise IncompleteError(f"{what} is damaged: its checksum is wrong")
