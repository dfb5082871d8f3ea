"""A qcow2 image as the disk in it, read from the bytes of its file wherever they come from.

Format: https://www.qemu.org/docs/master/interop/qcow2.html. Snapshots within the image are not read: a machine made
from it sees none of them."""

from __future__ import annotations

import sys
from array import array
from contextlib import suppress
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING

from amigate.disk import qcow2_header
from amigate.disk.blocks import Extent, IncompleteError
from amigate.disk.inflate import inflate
from amigate.disk.pieces import require

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from amigate.disk.blocks import Blocks

_CACHED_BYTES = 32 << 20
"""Of L2 tables, and of inflated clusters."""
_MOST_PREFETCHED = 4096
"""Stretches of one prefetch."""

_OFFSET = 0x00FFFFFFFFFFFE00
_COMPRESSED = 1 << 62
_ZERO = 1
_SECTOR = 512


class Qcow2:
    """The disk in an image; for one thread."""

    def __init__(self, file: Blocks) -> None:
        """Read header and L1 table; raises UnsupportedError or IncompleteError."""
        self._file = file
        self._header = qcow2_header.read(file)
        self.size = self._header.size
        self._l1 = [self._aligned(entry) for entry in _numbers(file, self._header.l1_offset, self._header.l1_entries)]
        tables = [offset for offset in self._l1 if offset]
        if len(set(tables)) < len(tables):
            raise IncompleteError("parts of the qcow2 image share an L2 table")
        cached = max(_CACHED_BYTES // self._header.cluster, 2)
        self._table = lru_cache(cached)(self._read_table)
        self._inflated = lru_cache(cached)(self._inflate)

    def read(self, offset: int, length: int) -> bytes:
        """Return exactly `length` bytes."""
        require(self, offset, length)
        return b"".join(self._read(extent, entry) for extent, entry in self._runs(Extent(offset, length)))

    def prefetch(self, extents: Iterable[Extent]) -> None:
        """Pass on where in the file it lies; a damaged place is left to whoever reads it."""
        wanted: list[Extent] = []
        with suppress(OSError):
            for extent in extents:
                stored = (run for run in self._runs(extent) if run[1])
                wanted += (self._place(*run) for run in islice(stored, _MOST_PREFETCHED - len(wanted)))
        self._file.prefetch(wanted)

    def written(self) -> Iterator[Extent]:
        """Yield the runs of clusters that are in the file."""
        begin = end = 0
        for extent, entry in self._runs(Extent(0, self.size)):
            if not entry:
                continue
            if extent.offset != end:
                if end:
                    yield Extent(begin, end - begin)
                begin = extent.offset
            end = extent.end
        if end:
            yield Extent(begin, end - begin)

    def _runs(self, extent: Extent) -> Iterator[tuple[Extent, int]]:
        """Yield what lies together in the file or is zeros, each with the entry of its first cluster (see `_entry`)."""
        offset, end = max(extent.offset, 0), min(extent.end, self.size)
        while offset < end:
            index = offset >> self._header.cluster_bits
            entry = self._entry(index)
            if entry == 0:
                index = self._next_stored(index + 1, end)
            elif entry & _COMPRESSED:
                index += 1
            else:
                index = self._next_apart(index + 1, entry + self._header.cluster, end)
            stop = min(index << self._header.cluster_bits, end)
            yield Extent(offset, stop - offset), entry
            offset = stop

    def _next_stored(self, index: int, end: int) -> int:
        """Return the next cluster that is in the file, or one beyond the end."""
        while index << self._header.cluster_bits < end:
            l1_index, l2_index = divmod(index, self._header.l2_entries)
            if not self._l1[l1_index]:
                index = (l1_index + 1) * self._header.l2_entries
            elif self._told(self._table(l1_index)[l2_index]):
                return index
            else:
                index += 1
        return index

    def _next_apart(self, index: int, expected: int, end: int) -> int:
        """Return the next cluster that does not follow the one before it in the file, or one beyond the end."""
        while index << self._header.cluster_bits < end and self._entry(index) == expected:
            index += 1
            expected += self._header.cluster
        return index

    def _entry(self, index: int) -> int:
        """Return 0 for a cluster of zeros, the offset in the file, or the whole entry of one that is compressed."""
        l1_index, l2_index = divmod(index, self._header.l2_entries)
        return self._told(self._table(l1_index)[l2_index]) if self._l1[l1_index] else 0

    def _told(self, entry: int) -> int:
        if entry & _COMPRESSED:
            return entry
        if entry & _ZERO:
            if self._header.version == 2:  # noqa: PLR2004 - which has no such clusters
                raise IncompleteError("the qcow2 image has clusters that its version does not know")
            return 0
        return self._aligned(entry)

    def _aligned(self, entry: int) -> int:
        """Return the offset that an entry of a table leads to, 0 for none."""
        offset = entry & _OFFSET
        if offset % self._header.cluster:
            raise IncompleteError("a table of the qcow2 image leads to where no cluster begins")
        return offset

    def _read(self, extent: Extent, entry: int) -> bytes:
        if not entry:
            return bytes(extent.length)
        if entry & _COMPRESSED:
            inside = extent.offset % self._header.cluster
            return self._inflated(entry)[inside : inside + extent.length]
        place = self._place(extent, entry)
        return self._file.read(place.offset, place.length)

    def _place(self, extent: Extent, entry: int) -> Extent:
        """Return where in the file a stretch lies, or all of its compressed cluster does."""
        if not entry & _COMPRESSED:
            return Extent(entry + extent.offset % self._header.cluster, extent.length)
        bits = 62 - (self._header.cluster_bits - 8)
        offset = entry & ((1 << bits) - 1)
        sectors = (entry & (_COMPRESSED - 1)) >> bits
        end = (offset // _SECTOR + 1 + sectors) * _SECTOR
        return Extent(offset, max(min(end, self._file.size) - offset, 0))

    def _inflate(self, entry: int) -> bytes:
        place = self._place(Extent(0, 0), entry)
        data = self._file.read(place.offset, place.length)
        return inflate(data, self._header.cluster, zstd=self._header.zstd)

    def _read_table(self, l1_index: int) -> array[int]:
        return _numbers(self._file, self._l1[l1_index], self._header.l2_entries)


def _numbers(file: Blocks, offset: int, count: int) -> array[int]:
    found = array("Q", file.read(offset, count * 8))
    if sys.byteorder == "little":
        found.byteswap()
    return found
