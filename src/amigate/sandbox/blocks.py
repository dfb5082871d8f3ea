"""A disk file in blocks of 512 KiB, as the EBS direct APIs see it: which were written, and what is in them."""

from __future__ import annotations

import bisect
import json
import os
import tempfile
import weakref
from dataclasses import dataclass
from pathlib import Path

from amigate.sandbox.images import tools
from amigate.sandbox.machines import disks

BLOCK = 1 << 19


@dataclass(frozen=True, kw_only=True, order=True)
class Extent:
    """A stretch of the guest's disk that was written, and where it begins in the file that is read."""

    start: int
    length: int
    offset: int

    @property
    def end(self) -> int:
        """The first byte after it."""
        return self.start + self.length


class Blocks:
    """The written blocks of a disk that does not change; safe to use from several threads.

    What a guest freed after writing is still there, as on EBS; only what was never written is left out."""

    def __init__(self, disk: Path, scratch: Path) -> None:
        """Read the map of a self-contained qcow2 file; unpack it into `scratch` first if it is compressed.

        Raises SandboxError when qemu-img cannot."""
        self.size_gib = disks.gib(disks.virtual_size(disk))
        written = _written(disk)
        if all("offset" in each for each in written):
            self._file = os.open(disk, os.O_RDONLY | os.O_CLOEXEC)
            self._extents = [
                Extent(start=each["start"], length=each["length"], offset=each["offset"]) for each in written
            ]
        else:
            self._file = _unpacked(disk, scratch)
            self._extents = [
                Extent(start=each["start"], length=each["length"], offset=each["start"]) for each in written
            ]
        weakref.finalize(self, os.close, self._file)
        self._starts = [extent.start for extent in self._extents]
        self.indexes = _indexes(self._extents)
        """Numbers of the written blocks, in order."""

    def read(self, index: int) -> bytes:
        """Return a block; zeros where nothing was written, also beyond the end of the disk."""
        begin = index * BLOCK
        block = bytearray(BLOCK)
        for extent in self._within(begin, begin + BLOCK):
            low, high = max(extent.start, begin), min(extent.end, begin + BLOCK)
            found = os.pread(self._file, high - low, extent.offset + low - extent.start)
            block[low - begin : low - begin + len(found)] = found
        return bytes(block)

    def _within(self, begin: int, end: int) -> list[Extent]:
        first = max(bisect.bisect_right(self._starts, begin) - 1, 0)
        last = bisect.bisect_left(self._starts, end)
        return [extent for extent in self._extents[first:last] if extent.end > begin]


def _written(disk: Path) -> list[dict[str, int]]:
    """Return what qemu-img says was written; start, length, and offset unless it is compressed."""
    found = json.loads(tools.run(["qemu-img", "map", "-U", "-f", "qcow2", "--output=json", str(disk)]))
    return [each for each in found if each["data"] and not each["zero"]]


def _unpacked(disk: Path, scratch: Path) -> int:
    """Open a plain copy that has no name any more, so that it goes when it is closed."""
    with tempfile.TemporaryDirectory(dir=scratch, prefix="blocks-") as folder:
        plain = Path(folder) / "raw"
        tools.run(["qemu-img", "convert", "-U", "-f", "qcow2", "-O", "raw", str(disk), str(plain)])
        return os.open(plain, os.O_RDONLY | os.O_CLOEXEC)


def _indexes(extents: list[Extent]) -> list[int]:
    found: list[int] = []
    for extent in extents:
        first = extent.start // BLOCK
        found += range(max(first, found[-1] + 1) if found else first, -(-extent.end // BLOCK))
    return found
