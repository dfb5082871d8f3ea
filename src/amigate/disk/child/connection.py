"""The child's end of the socket: requests, and what is kept of their answers."""

from __future__ import annotations

import os
from collections import OrderedDict
from typing import TYPE_CHECKING

from amigate.disk.blocks import IncompleteError, UnsupportedError
from amigate.disk.child import wire

if TYPE_CHECKING:
    import socket

NOBODY_LISTENS = 3
"""Exit code of a child whose parent is gone."""
CHUNK_LOG = 16
CHUNK = 1 << CHUNK_LOG
"""Fetched and kept at once, where less is read."""
UNIT = 8
"""Chunks in the 512 KiB in which a snapshot is fetched; what lies in two of them is never fetched at once."""
Stretch = tuple[int, int, int]
"""Number of the device, offset and length of a read."""


class Connection:
    """The child's end of the socket, and the cache of all devices; for one thread."""

    def __init__(self, connection: socket.socket, cache_bytes: int) -> None:
        self._socket = connection
        self._cache: OrderedDict[tuple[int, int], bytes] = OrderedDict()
        self._most = max(cache_bytes // CHUNK, UNIT)
        self._coming: Stretch | None = None
        """What was asked for and has to be received before anything else is."""
        self._early: tuple[Stretch, bytes | OSError] | None = None
        """What came before it was read."""

    def say(self, kind: bytes, device: int, offset: int, length: int, body: bytes = b"") -> None:
        """Send a request; who has no parent any more ends here and now, whatever the work would make of it."""
        self._receive_early()
        try:
            wire.send(self._socket, wire.REQUEST.pack(kind, device, offset, length), body)
        except EOFError:
            os._exit(NOBODY_LISTENS)

    def ask(self, kind: bytes, device: int, offset: int, length: int) -> bytes:
        """Return what is answered to a request; raises the error that the parent had."""
        self.say(kind, device, offset, length)
        return self._answer()

    def read(self, wanted: Stretch) -> bytes:
        """Return some bytes of a device; raises the error that the parent had."""
        if self._coming == wanted:
            self._coming = None
            return self._answer()
        if self._early is not None and self._early[0] == wanted:
            (_, found), self._early = self._early, None
            if isinstance(found, OSError):
                raise found
            return found
        return self.ask(wire.READ, *wanted)

    def expect(self, wanted: Stretch) -> None:
        """Ask for what is read next: it comes while other work is done."""
        self.say(wire.READ, *wanted)
        self._coming = wanted

    def _receive_early(self) -> None:
        """Receive what is coming: as long as it is not, the parent does not listen."""
        if self._coming is not None:
            coming, self._coming = self._coming, None
            try:
                self._early = coming, self._answer()
            except OSError as error:
                self._early = coming, error

    def _answer(self) -> bytes:
        """Receive the answer to the last request."""
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

    def keeps(self, key: tuple[int, int]) -> bool:
        """Whether a chunk is kept; no use of it."""
        return key in self._cache

    def keep(self, key: tuple[int, int], chunk: bytes) -> None:
        """Keep a chunk, in place of those that were not used for the longest time."""
        self._cache[key] = chunk
        if len(self._cache) > self._most:
            self._cache.popitem(last=False)
