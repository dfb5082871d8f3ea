"""A device whose every unit takes a while to come: what it would take to read is counted by a clock of its own."""

from __future__ import annotations

import os
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING

from amigate.disk.blocks import Extent, IncompleteError
from amigate.disk.raw import Raw

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

UNIT = 512 * 1024
LATENCY_S = 0.015
CONCURRENCY = 32


class FarBlocks:
    """A device that is a file, of which each unit takes `LATENCY_S` to come, `CONCURRENCY` at once.

    Nothing is waited for: the clock goes on where a reader would have to wait, and work takes no time by it. Units
    that were never written cost nothing."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb", buffering=0)
        with Raw(path) as raw:
            self.size = raw.size
            self._extents = list(raw.written())
        self._written = {unit for extent in self._extents for unit in _units(extent)}
        self._ready: dict[int, float] = {}
        self._free = [0.0] * CONCURRENCY
        heapify(self._free)
        self.seconds = 0.0
        """On the clock."""
        self.waits = 0
        """How many times a reader had to wait."""

    def read(self, offset: int, length: int) -> bytes:
        """Return some bytes, once they are here."""
        if offset + length > self.size:
            raise IncompleteError("beyond the end of the device")
        wanted = Extent(offset, length)
        self.prefetch([wanted])
        ready = max((self._ready.get(unit, 0.0) for unit in _units(wanted)), default=0.0)
        if ready > self.seconds:
            self.seconds = ready
            self.waits += 1
        return os.pread(self._file.fileno(), length, offset)

    def prefetch(self, extents: Iterable[Extent]) -> None:
        """Ask for what is not here, each as soon as a connection is free."""
        for unit in (unit for each in extents for unit in _units(each)):
            if unit in self._written and unit not in self._ready:
                self._ready[unit] = ready = max(heappop(self._free), self.seconds) + LATENCY_S
                heappush(self._free, ready)

    def written(self) -> Iterator[Extent]:
        """Yield what is written."""
        yield from self._extents

    @property
    def ideal_seconds(self) -> float:
        """What it would take had all of them been known from the start."""
        return -(-len(self._ready) // CONCURRENCY) * LATENCY_S

    @property
    def units(self) -> int:
        """How many were fetched."""
        return len(self._ready)


def _units(extent: Extent) -> range:
    return range(extent.offset // UNIT, -(-extent.end // UNIT)) if extent.length > 0 else range(0)
