"""The table of clusters: which follows which, which are free, and whose they are."""

from __future__ import annotations

import sys
from array import array
from typing import TYPE_CHECKING

from amigate.disk.blocks import Extent, IncompleteError
from amigate.disk.fat.boot_sector import FIRST
from amigate.disk.stream import stream

if TYPE_CHECKING:
    from collections.abc import Iterator

    from amigate.disk.blocks import Blocks
    from amigate.disk.fat.boot_sector import Geometry

_BITS = {12: 12, 16: 16, 32: 28}
"""That count, of each entry."""
_LAST = 8
"""From the highest number downwards, so many mark the end of a chain; the one below them marks a bad cluster."""
_SHARED = 2


class Table:
    """All of the table, in memory: 64 MiB at most."""

    def __init__(self, geometry: Geometry, blocks: Blocks) -> None:
        self._geometry = geometry
        self._blocks = blocks
        self._mask = (1 << _BITS[geometry.bits]) - 1
        self._next = self._read(0)
        self._users = bytearray(geometry.end)
        """How many entries of folders lead to each cluster; two stand for more."""

    def has_copies(self) -> bool:
        """Whether all tables that are to be the same are, as far as they tell of clusters."""
        for number in range(1, self._geometry.tables):
            copy = self._read(number)
            if copy != self._next and any(
                (one ^ other) & self._mask for one, other in zip(copy[FIRST:], self._next[FIRST:], strict=True)
            ):
                return False
        return True

    def is_free(self, cluster: int) -> bool:
        """Whether nothing uses a cluster; what is marked as bad is used by what marked it."""
        return not self._next[cluster] & self._mask

    def free(self) -> Iterator[tuple[int, int]]:
        """Yield the first cluster of each free run and the one after its last, ascending."""
        start = 0
        for cluster in range(FIRST, self._geometry.end):
            if not self._next[cluster] & self._mask:
                start = start or cluster
            elif start:
                yield start, cluster
                start = 0
        if start:
            yield start, self._geometry.end

    def claim(self, first: int) -> None:
        """Take a chain for one entry of a folder; what two entries take, or one twice, can be read by neither."""
        users, end, mask = self._users, self._geometry.end, self._mask
        cluster = first
        while FIRST <= cluster < end and users[cluster] < _SHARED:
            users[cluster] += 1
            cluster = self._next[cluster] & mask

    def chain(self, first: int, most: int, what: str) -> array[int]:
        """Return the clusters of a chain.

        Raises IncompleteError about `what` where it leads outside, to a cluster that is free or bad, or to one that
        another file has too, and where it has more than `most`."""
        users, end, mask = self._users, self._geometry.end, self._mask
        found = array("I")
        cluster = first
        while True:
            if not FIRST <= cluster < end:
                raise IncompleteError(f"{what} is damaged: its chain of clusters leads to {cluster:#x}, which is none")
            if users[cluster] >= _SHARED:
                raise IncompleteError(f"{what} is damaged: its chain of clusters crosses another, or itself")
            if len(found) >= most:
                raise IncompleteError(f"{what} is damaged: its chain of clusters is longer than {most}")
            found.append(cluster)
            cluster = self._next[cluster] & mask
            if cluster > mask - _LAST:
                return found

    def _read(self, number: int) -> array[int]:
        """Return one of the tables as numbers."""
        geometry = self._geometry
        start = geometry.table + number * geometry.table_length << geometry.sector_log
        length = -(-geometry.end * geometry.bits // 8)
        raw = b"".join(data for _, data in stream(self._blocks, [Extent(start, length)]))
        if geometry.bits == 12:  # noqa: PLR2004 - FAT12
            return _unpacked(raw, geometry.end)
        found = array("H" if geometry.bits == 16 else "I", raw)  # noqa: PLR2004 - FAT16
        if sys.byteorder == "big":
            found.byteswap()
        return found


def _unpacked(raw: bytes, count: int) -> array[int]:
    """Return entries of which two share three bytes."""
    found = array("H")
    for at in range(0, len(raw), 3):
        pair = int.from_bytes(raw[at : at + 3], "little")
        found.extend((pair & 0xFFF, pair >> 12))
    return found[:count]
