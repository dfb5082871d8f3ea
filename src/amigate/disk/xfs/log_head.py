"""Where the log ends: the block that the next record would be written to (xlog_find_head in fs/xfs/xfs_log_recover.c).

The log is a ring of blocks of 512 bytes. Each begins with the number of the cycle round the ring in which it was
written (the header of a record with a magic number, then the cycle); the head is where that number falls by one."""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING

from amigate.disk.blocks import Extent, IncompleteError
from amigate.disk.xfs.superblock import BASIC_BLOCK

if TYPE_CHECKING:
    from collections.abc import Iterable

    from amigate.disk.blocks import Blocks

HEADER_MAGIC = 0xFEEDBABE
_WORDS = Struct(">II")
_PER_HEADER = 32 * 1024
_MOST_RECORD = 512
"""Blocks of a record behind its headers."""
_MOST_IN_FLIGHT = 8 * _MOST_RECORD
"""Blocks that may be under way at once: within so many, later ones may be there without earlier ones."""
_SEARCHED = 2 * _MOST_RECORD
"""Blocks before the head among which the last record begins."""
STEPS_AT_ONCE = 5
"""Of the search for the head: what they may look at comes in one round."""


class Log:
    """The log of a file system, as a ring of blocks of 512 bytes."""

    def __init__(self, blocks: Blocks, offset: int, size: int) -> None:
        if size < _SEARCHED // 2:
            raise IncompleteError("the log of the XFS file system is too short to be one")
        self._blocks = blocks
        self._offset = offset
        self.size = size
        """In blocks."""

    def read(self, first: int, count: int) -> bytes:
        """Return `count` blocks from `first`, over the end of the ring."""
        first %= self.size
        before = min(count, self.size - first)
        found = self._blocks.read(self._offset + first * BASIC_BLOCK, before * BASIC_BLOCK)
        return found if before == count else found + self.read(0, count - before)

    def ask(self, blocks: Iterable[int]) -> None:
        """Say which blocks may be read soon."""
        self._blocks.prefetch([Extent(self._offset + block * BASIC_BLOCK, BASIC_BLOCK) for block in blocks])

    def cycles(self, first: int, count: int) -> list[int]:
        """Return the cycle in which each of some blocks was written; 0 where it never was."""
        raw = self.read(first, count)
        words = (_WORDS.unpack_from(raw, at) for at in range(0, len(raw), BASIC_BLOCK))
        return [second if word == HEADER_MAGIC else word for word, second in words]


def find_head(log: Log) -> int:
    """Return the block after the last record that is there as a whole; raises IncompleteError where there is none."""
    (oldest,), (latest,) = log.cycles(0, 1), log.cycles(log.size - 1, 1)
    if not oldest:
        raise IncompleteError("the log of the XFS file system is empty, which none is")
    # Where all are of one cycle, the head is at the end; a block of the cycle before shows what did not arrive.
    head, missing = (log.size, latest - 1) if oldest == latest else (_first_of(log, latest), latest)
    head = _before_gaps(log, head, missing)
    begins = last_header(log, head)
    record = log.read(begins, 1)
    length, size = int.from_bytes(record[12:16], "big"), int.from_bytes(record[320:324], "big")
    blocks = max(1, -(-size // _PER_HEADER)) + -(-length // BASIC_BLOCK)
    return head % log.size if (begins + blocks - head) % log.size == 0 else begins


def last_header(log: Log, head: int) -> int:
    """Return where the last record before `head` begins."""
    count = min(_SEARCHED, log.size)
    raw = log.read(head - count, count)
    magic = HEADER_MAGIC.to_bytes(4, "big")
    for at in range(count - 1, -1, -1):
        if raw.startswith(magic, at * BASIC_BLOCK):
            return (head - count + at) % log.size
    raise IncompleteError("the log of the XFS file system is damaged: there is no record before its head")


def _first_of(log: Log, cycle: int) -> int:
    """Return the first block of a cycle that the end of the log is of, and its start is not."""
    low, high = 0, log.size - 1
    step = 0
    while high - low > 1:
        if step % STEPS_AT_ONCE == 0:
            log.ask(range(max(low - _MOST_IN_FLIGHT, 0), high, max((high - low) >> STEPS_AT_ONCE, 1)))
        step += 1
        middle = (low + high) // 2
        if log.cycles(middle, 1) == [cycle]:
            high = middle
        else:
            low = middle
    return high


def _before_gaps(log: Log, head: int, missing: int) -> int:
    """Return the head, or the first block of the last ones before it that is older than it should be."""
    count = min(_MOST_IN_FLIGHT, log.size)
    wrapped = count - head
    if missing and wrapped > 0:
        cycles = log.cycles(log.size - wrapped, wrapped)
        if missing - 1 in cycles:
            return log.size - wrapped + cycles.index(missing - 1)
    start = max(0, head - count)
    cycles = log.cycles(start, head - start)
    return start + cycles.index(missing) if missing in cycles else head
