"""A device as it would be once its journal is replayed: some blocks are read elsewhere."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

from amigate.disk.blocks import Extent
from amigate.disk.ext.journal_superblock import MAGIC

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from amigate.disk.blocks import Blocks
    from amigate.disk.ext.journal import Copy

_ESCAPED = MAGIC.to_bytes(4, "big")


class Overlay:
    """`Blocks`, of which some are copies that lie elsewhere on the same device."""

    def __init__(self, blocks: Blocks, copies: Mapping[int, Copy], block_log: int) -> None:
        self.size = blocks.size
        self._blocks = blocks
        self._copies = copies
        self._log = block_log
        self._order = sorted(copies)

    def read(self, offset: int, length: int) -> bytes:
        """Return exactly `length` bytes."""
        found = self._blocks.read(offset, length)
        copied = self._copied(Extent(offset, length))
        if not copied:
            return found
        content = bytearray(found)
        for block in copied:
            start = block << self._log
            first, last = max(offset, start), min(offset + length, start + (1 << self._log))
            content[first - offset : last - offset] = self._copy(block)[first - start : last - start]
        return bytes(content)

    def prefetch(self, extents: Iterable[Extent]) -> None:
        """Say what will be read soon, and where copies of it lie."""
        wanted = list(extents)
        size = 1 << self._log
        copies = [self._copies[block].place * size for extent in wanted for block in self._copied(extent)]
        self._blocks.prefetch([*wanted, *(Extent(at, size) for at in copies)])

    def written(self) -> Iterator[Extent]:
        """Yield what of the device itself may hold anything but zeros."""
        return self._blocks.written()

    def _copied(self, extent: Extent) -> list[int]:
        """Return which blocks of an extent lie elsewhere."""
        first, end = extent.offset >> self._log, -(-extent.end >> self._log)
        return self._order[bisect_left(self._order, first) : bisect_left(self._order, end)]

    def _copy(self, block: int) -> bytes:
        copy = self._copies[block]
        content = self._blocks.read(copy.place << self._log, 1 << self._log)
        return _ESCAPED + content[len(_ESCAPED) :] if copy.is_escaped else content
