"""Runs of blocks: where a file lies."""

from __future__ import annotations

from typing import NamedTuple

from amigate.disk.blocks import Extent


class Run(NamedTuple):
    """Blocks of a file that lie together, in blocks of the file system."""

    logical: int
    """Where in the file."""
    start: int
    """Where on the device."""
    length: int
    is_written: bool
    """Whether its blocks hold content, not zeros that were promised room."""

    @property
    def end(self) -> int:
        """The first block of the file after it."""
        return self.logical + self.length


def on_device(run: Run, block_log: int) -> Extent:
    """Return the bytes of the device that a run is, of blocks whose size is a power of two."""
    return Extent(run.start << block_log, run.length << block_log)
