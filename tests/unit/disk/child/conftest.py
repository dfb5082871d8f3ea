"""Devices in memory, and a parent's server at the other end of a real socket."""

from __future__ import annotations

import json
import socket
import threading
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from amigate.disk.blocks import Extent, IncompleteError
from amigate.disk.child import wire
from amigate.disk.child.connection import Connection
from amigate.disk.child.isolation import Isolation
from amigate.disk.child.limits import Limits
from amigate.disk.child.serve import Server
from amigate.disk.child.served import ServedBlocks
from amigate.disk.pieces import require

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from amigate.disk.blocks import Blocks

APART = Isolation(system_calls=True, files=True, network=True, unprivileged=True, no_new_privileges=True)
HELLO = json.dumps(asdict(APART)).encode("ascii")


@dataclass
class Device:
    """A device in memory, which notes what is asked of it; what touches a byte that is bad cannot be read."""

    data: bytes
    extents: Sequence[Extent] = ()
    bad: frozenset[int] = frozenset()
    reads: list[Extent] = field(default_factory=list)
    wanted: list[Extent] = field(default_factory=list)
    listings: int = 0

    @property
    def size(self) -> int:
        return len(self.data)

    def read(self, offset: int, length: int) -> bytes:
        require(self, offset, length)
        self.reads.append(Extent(offset, length))
        if any(offset <= each < offset + length for each in self.bad):
            raise IncompleteError(f"a bad byte is in {length} at {offset}")
        return self.data[offset : offset + length]

    def prefetch(self, extents: Iterable[Extent]) -> None:
        self.wanted += extents

    def written(self) -> Iterator[Extent]:
        self.listings += 1
        yield from self.extents


@contextmanager
def served(*devices: Blocks, limits: Limits | None = None) -> Iterator[list[ServedBlocks]]:
    """Yield devices as a child sees them."""
    limits = limits or Limits()
    ours, theirs = socket.socketpair()
    server = Server(ours, devices, limits)
    server.isolation = APART
    thread = threading.Thread(target=_serve, args=(server, ours))
    thread.start()
    with ours, theirs:
        connection = Connection(theirs, limits.cache_bytes)
        try:
            yield [ServedBlocks(connection, number, device.size) for number, device in enumerate(devices)]
        finally:
            connection.say(wire.ANSWER, 0, 0, 0)
            thread.join()


def _serve(server: Server, ours: socket.socket) -> None:
    assert server.serve() == b""


def heard(said: bytes, *devices: Blocks, limits: Limits | None = None) -> bytes:
    """Return what a server makes of what a child says, which then says nothing more."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        speaker = threading.Thread(target=_speak, args=(theirs, said))
        speaker.start()
        listener = threading.Thread(target=_drain, args=(theirs,))
        listener.start()
        try:
            return Server(ours, devices, limits or Limits()).serve()
        finally:
            ours.shutdown(socket.SHUT_RDWR)
            speaker.join()
            listener.join()


def _speak(connection: socket.socket, said: bytes) -> None:
    try:
        connection.sendall(said)
        connection.shutdown(socket.SHUT_WR)
    except OSError:
        return  # the server has heard enough


def _drain(connection: socket.socket) -> None:
    while connection.recv(1 << 20):
        pass


def request(kind: bytes, device: int = 0, offset: int = 0, length: int = 0, body: bytes = b"") -> bytes:
    """Return a request."""
    return wire.REQUEST.pack(kind, device, offset, length) + body


GREETING = request(wire.ISOLATION, length=len(HELLO), body=HELLO)
"""What a child says first."""
