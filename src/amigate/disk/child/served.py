"""A device in the child: its bytes come from the parent, over the socket, and some are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amigate.disk.blocks import Extent, IncompleteError
from amigate.disk.child import wire
from amigate.disk.child.connection import CHUNK, CHUNK_LOG, UNIT
from amigate.disk.pieces import require

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from amigate.disk.child.connection import Connection

_DIRECT = 4 * CHUNK
"""Read by whom reads much in order: not kept."""
_MOST_WANTED = 32768
"""Chunks that were asked for ahead and are remembered: 2 GiB."""
_MOST_AFTER = 1024


class ServedBlocks:
    """A device that the parent has."""

    def __init__(self, connection: Connection, number: int, size: int) -> None:
        self._connection = connection
        self._number = number
        self.size = size
        self._wanted: set[int] = set()
        self._after: dict[Extent, Extent] = {}
        """By what was asked for ahead, what was asked for after it, both so large that they are read as they are."""
        self._last = Extent(0, 0)

    def read(self, offset: int, length: int) -> bytes:
        """Return exactly `length` bytes."""
        require(self, offset, length)
        if length >= _DIRECT:
            return self._direct(offset, length)
        if not length:
            return b""
        first, last = offset >> CHUNK_LOG, (offset + length - 1) >> CHUNK_LOG
        try:
            chunks = [self._chunk(index) for index in range(first, last + 1)]
        except IncompleteError:  # what is wanted may be whole, where only what lies around it is not
            return self._direct(offset, length)
        begin = offset - (first << CHUNK_LOG)
        return (chunks[0] if first == last else b"".join(chunks))[begin : begin + length]

    def prefetch(self, extents: Iterable[Extent]) -> None:
        """Pass on what is not kept, without waiting for anything."""
        body: list[bytes] = []
        for extent in extents:
            low, high = max(extent.offset, 0), min(extent.end, self.size)
            if low < high and not self._is_kept(low, high):
                self._want(low, high)
                if _DIRECT <= high - low <= wire.MOST_READ:
                    self._follow(Extent(low, high - low))
                body.append(wire.EXTENT.pack(low, high - low))
            if len(body) == wire.PAGE:
                self._say_prefetch(body)
                body = []
        if body:
            self._say_prefetch(body)

    def written(self) -> Iterator[Extent]:
        """Yield what may hold anything but zeros, fetched a page at a time."""
        offset = 0
        while True:
            page = list(wire.EXTENT.iter_unpack(self._connection.ask(wire.WRITTEN, self._number, offset, 0)))
            for each in page:
                yield Extent(*each)
            if len(page) < wire.PAGE:
                return
            offset = sum(page[-1])

    def _direct(self, offset: int, length: int) -> bytes:
        if length > wire.MOST_READ:
            places = range(offset, offset + length, wire.MOST_READ)
            return b"".join(self._direct(at, min(wire.MOST_READ, offset + length - at)) for at in places)
        found = self._connection.read((self._number, offset, length))
        after = self._after.pop(Extent(offset, length), None)
        if after is not None:  # it comes while this is looked at
            self._connection.expect((self._number, after.offset, after.length))
        return found

    def _chunk(self, index: int) -> bytes:
        return self._connection.kept((self._number, index)) or self._fetch(index)

    def _fetch(self, index: int) -> bytes:
        """Return a chunk, and fetch with it those behind it that were asked for ahead."""
        end = index + 1
        while end % UNIT and end in self._wanted:
            end += 1
        self._wanted.difference_update(range(index, end))
        start = index << CHUNK_LOG
        data = self._connection.read((self._number, start, min(end << CHUNK_LOG, self.size) - start))
        for number in range(end - 1, index - 1, -1):  # the one that is read now was used last
            at = (number - index) << CHUNK_LOG
            chunk = data[at : at + CHUNK]
            self._connection.keep((self._number, number), chunk)
        return chunk

    def _is_kept(self, low: int, high: int) -> bool:
        """Whether nothing has to come; so much that it is read directly is never kept."""
        if high - low >= _DIRECT:
            return False
        chunks = range(low >> CHUNK_LOG, (high - 1 >> CHUNK_LOG) + 1)
        return all(self._connection.keeps((self._number, index)) for index in chunks)

    def _want(self, low: int, high: int) -> None:
        """Remember what will be read soon; it is no harm to forget."""
        first, last = low >> CHUNK_LOG, (high - 1) >> CHUNK_LOG
        if len(self._wanted) > _MOST_WANTED:
            self._wanted.clear()
        self._wanted.update(range(first, min(last + 1, first + _MOST_WANTED)))

    def _follow(self, extent: Extent) -> None:
        """Remember that something will be read after what was asked for before it."""
        if len(self._after) > _MOST_AFTER:
            self._after.clear()
        self._after[self._last] = extent
        self._last = extent

    def _say_prefetch(self, body: list[bytes]) -> None:
        data = b"".join(body)
        self._connection.say(wire.PREFETCH, self._number, 0, len(data), data)
