"""Metadata of a device, read in chunks that are kept for a while."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from amigate.disk.blocks import Blocks

Chunk = TypeVar("Chunk")
CHUNK_LOG = 14
CHUNK = 1 << CHUNK_LOG
"""Metadata lies together: it is read, and kept, so many bytes at once."""
MOST_CHUNKS = 1024
"""That are kept of blocks, and as many (of 64 inodes) of inodes: 16 MiB and, with inodes of 512 bytes, 32 MiB."""


class Chunks:
    """A device, of which what was read is kept."""

    def __init__(self, blocks: Blocks) -> None:
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


def keep(chunks: dict[int, Chunk], key: int, chunk: Chunk) -> None:
    """Keep a chunk, in place of the oldest where there are many."""
    if len(chunks) >= MOST_CHUNKS:
        del chunks[next(iter(chunks))]
    chunks[key] = chunk
