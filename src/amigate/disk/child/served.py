"""A device in the child: its bytes come from the parent, over the socket, and some are kept."""

from __future__ import annotations

import os
from collections import OrderedDict
from typing import TYPE_CHECKING

from amigate.disk.blocks import Extent, IncompleteError, UnsupportedError
from amigate.disk.child import wire
from amigate.disk.pieces import require

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterable, Iterator

NOBODY_LISTENS = 3
"""Exit code of a child whose parent is gone."""
CHUNK_LOG = 16
CHUNK = 1 << CHUNK_LOG
"""Fetched and kept at once, where less is read."""
_DIRECT = 4 * CHUNK
"""Read by whom reads much in order: not kept."""
_UNIT = 8
"""Chunks in the 512 KiB in which a snapshot is fetched; what lies in two of them is never fetched at once."""
_MOST_WANTED = 32768
"""Chunks that were asked for ahead and are remembered: 2 GiB."""


class Connection:
    """The child's end of the socket, and the cache of all devices; for one thread."""

    def __init__(self, connection: socket.socket, cache_bytes: int) -> None:
        self._socket = connection
        self._cache: OrderedDict[tuple[int, int], bytes] = OrderedDict()
        self._most = max(cache_bytes // CHUNK, _UNIT)

    def say(self, kind: bytes, device: int, offset: int, length: int, body: bytes = b"") -> None:
        """Send a request; who has no parent any more ends here and now, whatever the work would make of it."""
        try:
            wire.send(self._socket, wire.REQUEST.pack(kind, device, offset, length), body)
        except EOFError:
            os._exit(NOBODY_LISTENS)

    def ask(self, kind: bytes, device: int, offset: int, length: int) -> bytes:
        """Return what is answered to a request; raises the error that the parent had."""
        self.say(kind, device, offset, length)
        try:
            answer, size = wire.REPLY.unpack(wire.receive(self._socket, wire.REPLY.size))
            data = wire.receive(self._socket, size)
        except EOFError:
            os._exit(NOBODY_LISTENS)
        if answer == wire.DATA:
            return data
        text = data.decode("utf-8", "replace")
        raise UnsupportedError(text) if answer == wire.UNSUPPORTED else IncompleteError(text)

    def kept(self, key: tuple[int, int]) -> bytes | None:
        """Return a chunk that is kept."""
        chunk = self._cache.get(key)
        if chunk is not None:
            self._cache.move_to_end(key)
        return chunk

    def keep(self, key: tuple[int, int], chunk: bytes) -> None:
        """Keep a chunk, in place of those that were not used for the longest time."""
        self._cache[key] = chunk
        if len(self._cache) > self._most:
            self._cache.popitem(last=False)


class ServedBlocks:
    """A device that the parent has."""

    def __init__(self, connection: Connection, number: int, size: int) -> None:
        self._connection = connection
        self._number = number
        self.size = size
        self._wanted: set[int] = set()

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
        """Pass it on, without waiting for anything."""
        body: list[bytes] = []
        for extent in extents:
            low, high = max(extent.offset, 0), min(extent.end, self.size)
            if low < high:
                self._want(low, high)
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
        end = offset + length
        parts = [
            self._connection.ask(wire.READ, self._number, at, min(wire.MOST_READ, end - at))
            for at in range(offset, end, wire.MOST_READ)
        ]
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _chunk(self, index: int) -> bytes:
        return self._connection.kept((self._number, index)) or self._fetch(index)

    def _fetch(self, index: int) -> bytes:
        """Return a chunk, and fetch with it those behind it that were asked for ahead."""
        end = index + 1
        while end % _UNIT and end in self._wanted:
            end += 1
        self._wanted.difference_update(range(index, end))
        start = index << CHUNK_LOG
        data = self._connection.ask(wire.READ, self._number, start, min(end << CHUNK_LOG, self.size) - start)
        for number in range(end - 1, index - 1, -1):  # the one that is read now was used last
            at = (number - index) << CHUNK_LOG
            chunk = data[at : at + CHUNK]
            self._connection.keep((self._number, number), chunk)
        return chunk

    def _want(self, low: int, high: int) -> None:
        """Remember what will be read soon; it is no harm to forget."""
        first, last = low >> CHUNK_LOG, (high - 1) >> CHUNK_LOG
        if len(self._wanted) > _MOST_WANTED:
            self._wanted.clear()
        self._wanted.update(range(first, min(last + 1, first + _MOST_WANTED)))

    def _say_prefetch(self, body: list[bytes]) -> None:
        data = b"".join(body)
        self._connection.say(wire.PREFETCH, self._number, 0, len(data), data)
