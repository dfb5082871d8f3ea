"""How much of a file system is free, and how much of that holds anything but zeros."""

from __future__ import annotations

from itertools import repeat
from typing import TYPE_CHECKING, Protocol

from amigate.disk.blocks import Extent, IncompleteError
from amigate.disk.volumes.signatures import swap_header_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from amigate.disk.volumes.volume import Volume

MOST_RUNS = 20_000_000
"""Of one file system: a minute's work."""
_END = Extent(1 << 63, 0)
_SWAP_BLOCK_BYTES = 4096


class HasFreeSpace(Protocol):
    """What has space that nothing uses, in blocks."""

    @property
    def block_bytes(self) -> int:
        """Size of a block."""

    def free_extents(self) -> Iterator[Extent]:
        """Yield the free runs of blocks, one behind the other."""


class Swap:
    """A volume of swap: all behind its header is free as long as no machine runs."""

    block_bytes = _SWAP_BLOCK_BYTES

    def __init__(self, volume: Volume) -> None:
        self._volume = volume

    def free_extents(self) -> Iterator[Extent]:
        """Yield what is behind the header."""
        if self._volume.blocks is not None:
            header = swap_header_bytes(self._volume.blocks)
            yield Extent(header, self._volume.blocks.size - header)


class FreeCount:
    """Counts the free space of a file system, given its written bytes one after the other.

    Free is what the file system's own maps say that nothing uses. So the rest of a file's last block, room that is set
    aside for a file, all that the file system keeps for itself, and what lies behind it in its volume are not. A block
    that holds a single byte other than zero is unclean as a whole. What is not fed is zeros."""

    def __init__(self, reader: HasFreeSpace) -> None:
        self.free_bytes = 0
        self.unclean_bytes = 0
        self.wrong = ""
        """Why the free space cannot be told; the numbers mean nothing then."""
        self._size = reader.block_bytes
        self._zeros = bytes(self._size)
        self._done = 0
        """Where the last block ends that came in parts and is unclean."""
        self._free = self._told(reader)
        self._run = next(self._free)

    def feed(self, offset: int, data: bytes) -> None:
        """Take bytes of the volume, which lie behind all that were taken before."""
        end = offset + len(data)
        while self._run.offset < end:
            self._look(offset, data)
            if self._run.end > end:
                return
            self._run = next(self._free)

    def finish(self, unseen: str = "") -> None:
        """Count the free space behind all that was fed; `unseen` says why not all that is written was."""
        while self._run != _END:
            self._run = next(self._free)
        self.wrong = self.wrong or unseen

    def _look(self, offset: int, data: bytes) -> None:
        """Look at what the data holds of the present run: whole blocks, and parts of those that lie across its edge."""
        run, size = self._run, self._size
        low, high = max(run.offset, offset), min(run.end, offset + len(data))
        whole = range(low + (run.offset - low) % size, high - size + 1, size)
        clean = map(data.startswith, repeat(self._zeros), range(whole.start - offset, whole.stop - offset, size))
        self.unclean_bytes += (len(whole) - sum(clean)) * size
        for start, end in ((low, min(whole.start, high)), (whole.start + len(whole) * size, high)):
            if start < end:
                self._look_at_part(start, data[start - offset : end - offset])

    def _look_at_part(self, offset: int, data: bytes) -> None:
        """Look at a part of one block, of which another may have been unclean before."""
        begin = offset - (offset - self._run.offset) % self._size
        if begin >= self._done and any(data):
            self._done = begin + self._size
            self.unclean_bytes += self._size

    def _told(self, reader: HasFreeSpace) -> Iterator[Extent]:
        """Yield the free runs, counted, and then forever one that lies behind everything."""
        try:
            for number, run in enumerate(reader.free_extents()):
                if number >= MOST_RUNS:
                    raise IncompleteError(f"its free space is in more than {MOST_RUNS} pieces")
                self.free_bytes += run.length
                yield run
        except OSError as error:
            self.wrong = str(error)
        while True:
            yield _END
