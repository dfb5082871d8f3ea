"""Blocks of metadata: read in chunks that are kept for a while, and believed only where their stamp is right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from amigate.disk.blocks import IncompleteError
from amigate.disk.xfs.checksum import verify
from amigate.disk.xfs.superblock import BASIC_BLOCK

if TYPE_CHECKING:
    from amigate.disk.blocks import Blocks
    from amigate.disk.xfs.superblock import Superblock

Chunk = TypeVar("Chunk")
CHUNK_LOG = 14
CHUNK = 1 << CHUNK_LOG
"""Metadata lies together: it is read, and kept, so many bytes at once."""
MOST_CHUNKS = 1024
"""That are kept of blocks, and as many (of 64 inodes) of inodes: 16 MiB and, with inodes of 512 bytes, 32 MiB."""


@dataclass(frozen=True, kw_only=True)
class Stamp:
    """Where a kind of block says what it is, where it lies and whose it is: offsets within it."""

    magic: int = 0
    checksum: int
    address: int
    uuid: int
    owner: int
    owner_bytes: int = 8


class Metadata:
    """What is read of a file system beside the content of its files."""

    def __init__(self, superblock: Superblock, blocks: Blocks) -> None:
        self.superblock = superblock
        self.blocks = blocks
        self._chunks: dict[int, bytes] = {}

    def read(self, offset: int, length: int) -> bytes:
        """Return bytes of the device."""
        first, last = offset >> CHUNK_LOG, offset + length - 1 >> CHUNK_LOG
        if first != last:
            return self.blocks.read(offset, length)
        chunk = self._chunks.get(first)
        if chunk is None:
            start = first << CHUNK_LOG
            chunk = self.blocks.read(start, min(CHUNK, self.blocks.size - start))
            keep(self._chunks, first, chunk)
        at = offset & CHUNK - 1
        return chunk[at : at + length]

    def check(self, block: bytes, stamp: Stamp, *, offset: int, owner: int, what: str) -> None:
        """Raise IncompleteError unless `block`, which lies at `offset` of the device, is whole and its owner's."""
        verify(block, stamp.checksum, what)
        address = int.from_bytes(block[stamp.address : stamp.address + 8], "big")
        said = int.from_bytes(block[stamp.owner : stamp.owner + stamp.owner_bytes], "big")
        if address * BASIC_BLOCK != offset or said != owner:
            raise IncompleteError(f"{what} is damaged: it belongs elsewhere")
        if block[stamp.uuid : stamp.uuid + 16] != self.superblock.metadata_uuid:
            raise IncompleteError(f"{what} is damaged: it is of another file system")


def keep(chunks: dict[int, Chunk], key: int, chunk: Chunk) -> None:
    """Keep a chunk, in place of the oldest where there are many."""
    if len(chunks) >= MOST_CHUNKS:
        del chunks[next(iter(chunks))]
    chunks[key] = chunk
