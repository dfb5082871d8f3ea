"""Blocks of metadata, believed only where their stamp is right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from amigate.disk.blocks import IncompleteError
from amigate.disk.inode_tree.chunks import Chunks
from amigate.disk.xfs.checksum import verify
from amigate.disk.xfs.superblock import BASIC_BLOCK

if TYPE_CHECKING:
    from amigate.disk.blocks import Blocks
    from amigate.disk.xfs.superblock import Superblock


@dataclass(frozen=True, kw_only=True)
class Stamp:
    """Where a kind of block says what it is, where it lies and whose it is: offsets within it."""

    magic: int = 0
    checksum: int
    address: int
    uuid: int
    owner: int
    owner_bytes: int = 8


class Metadata(Chunks):
    """What is read of a file system beside the content of its files."""

    def __init__(self, superblock: Superblock, blocks: Blocks) -> None:
        super().__init__(blocks)
        self.superblock = superblock

    def check(self, block: bytes, stamp: Stamp, *, offset: int, owner: int, what: str) -> None:
        """Raise IncompleteError unless `block`, which lies at `offset` of the device, is whole and its owner's."""
        verify(block, stamp.checksum, what)
        address = int.from_bytes(block[stamp.address : stamp.address + 8], "big")
        said = int.from_bytes(block[stamp.owner : stamp.owner + stamp.owner_bytes], "big")
        if address * BASIC_BLOCK != offset or said != owner:
            raise IncompleteError(f"{what} is damaged: it belongs elsewhere")
        if block[stamp.uuid : stamp.uuid + 16] != self.superblock.metadata_uuid:
            raise IncompleteError(f"{what} is damaged: it is of another file system")
