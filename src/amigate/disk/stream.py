"""Many bytes of a device in order, fetched ahead: for what looks at all that was written."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from amigate.disk.blocks import Extent

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from amigate.disk.blocks import Blocks

CHUNK_BYTES = 1 << 19
"""Chunks end at multiples of it: it is the block of EBS, and a block that is read whole is not kept in a cache."""
AHEAD = 64
"""Chunks asked for and not yet read: twice as many as are fetched at the same time."""


def stream(blocks: Blocks, extents: Iterable[Extent], *, ahead: int = AHEAD) -> Iterator[tuple[int, bytes]]:
    """Yield offset and bytes of ascending extents, in chunks of at most CHUNK_BYTES, while more is being fetched.

    Memory is bounded by `ahead` chunks. Raises IncompleteError where a read does."""
    waiting: list[Extent] = []
    rest = _chunks(extents)
    step = max(ahead // 2, 1)
    while True:
        if len(waiting) <= step:
            more = list(islice(rest, step if waiting else ahead))
            blocks.prefetch(more)
            waiting += more
        if not waiting:
            return
        chunk = waiting.pop(0)
        yield chunk.offset, blocks.read(chunk.offset, chunk.length)


def _chunks(extents: Iterable[Extent]) -> Iterator[Extent]:
    for extent in extents:
        offset = extent.offset
        while offset < extent.end:
            end = min(extent.end, (offset // CHUNK_BYTES + 1) * CHUNK_BYTES)
            yield Extent(offset, end - offset)
            offset = end


def is_zero(blocks: Blocks) -> bool:
    """Whether a device holds nothing but zeros; reads up to the first other byte."""
    return not any(data.count(0) != len(data) for _, data in stream(blocks, blocks.written(), ahead=4))
