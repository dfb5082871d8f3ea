"""Readiness: the first TCP connection on which a server speaks.

A fresh attempt every moment finds the server sooner than one patient attempt, which the kernel repeats after
1, 3, 7 … seconds; and the connection that is answered goes on to the handshake."""

from __future__ import annotations

import errno
import selectors
import socket
import time
from typing import TYPE_CHECKING, Self

from amigate.evidence.model import Outcome
from amigate.sources.wire import Answer, Wire

if TYPE_CHECKING:
    import threading

    from amigate.sources.tunnel import JumpHost

STEP_S = 0.2
CONNECT_S = 2.0
"""A connection that is not accepted by then is given up."""
BANNER_S = 15.0
"""A server that has accepted speaks by then; on a machine that is busy booting it may take seconds."""
MOST_PENDING = 12
FORWARDED_STEP_S = 0.4
FORWARDED_MOST_PENDING = 8
"""Below sshd's MaxStartups of 10: all may reach the server in the moment it starts."""


def knock(  # noqa: PLR0913 - one keyword per choice of the caller
    address: str,
    port: int,
    *,
    until: float,
    cancelled: threading.Event,
    forwarded: bool = False,
    alive: bool = False,
    jump: JumpHost | None = None,
) -> Answer:
    """Knock until a server speaks, `until` (time.monotonic()) has come or `cancelled` is set.

    `forwarded`: something on the way accepts connections for a machine that may not be there; `alive`: it is,
    it answered before. As soon as it is, one attempt at a time: more would use up sshd's MaxStartups. With
    `jump` the way is through that host; raises ConnectionFailedError when it does not let anybody go on."""
    if jump is not None:
        return jump.knock(address, port, until=until, cancelled=cancelled)
    with _Door(address, port, forwarded=forwarded, alive=alive) as door:
        while time.monotonic() < until and not cancelled.is_set():
            door.knock_again()
            wire = door.listen()
            if wire is not None:
                return Answer(wire=wire, alive=True)
            door.give_up_old()
        return Answer(seen=door.seen, alive=door.alive)


class _Door:
    """The attempts in flight, oldest first, and what was seen last."""

    def __init__(self, address: str, port: int, *, forwarded: bool, alive: bool) -> None:
        self._place, self._forwarded = (address, port), forwarded
        self.alive = alive
        self._most = FORWARDED_MOST_PENDING if forwarded else MOST_PENDING
        self._selector = selectors.DefaultSelector()
        self._connecting: list[Wire] = []
        self._connected: list[Wire] = []
        self._next_at = 0.0
        self._refused_at = 0.0
        self.seen: Outcome | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for wire in [*self._connecting, *self._connected]:
            self._drop(wire)
        self._selector.close()

    def knock_again(self) -> None:
        """Start another attempt when it is time; not while the machine itself has accepted one."""
        if time.monotonic() < self._next_at or (self._connected and self._accepted_by_machine):
            return
        pending = sorted([*self._connecting, *self._connected], key=lambda wire: wire.opened_at)
        if len(pending) >= self._most:  # the oldest may be the one that a slow server is about to answer
            self._drop(pending[1])
        self._next_at = time.monotonic() + (STEP_S if self._accepted_by_machine else FORWARDED_STEP_S)
        wire = Wire()
        self._connecting.append(wire)
        code = wire.connect_ex(self._place)
        if code in {0, errno.EINPROGRESS}:
            self._selector.register(wire, selectors.EVENT_WRITE)
        else:
            self._failed(wire, code, by_machine=not self._forwarded)

    @property
    def _accepted_by_machine(self) -> bool:
        return self.alive or not self._forwarded

    def listen(self) -> Wire | None:
        """Wait a moment; return the connection on which the server spoke, taken out of the attempts."""
        wait_s = min(max(self._next_at - time.monotonic(), 0.01), STEP_S)
        for key, _ in self._selector.select(wait_s):
            wire = key.fileobj
            assert isinstance(wire, Wire)  # nothing else is registered
            if wire.fileno() < 0:
                continue  # given up since, because of another that was answered in the same moment
            if wire in self._connecting:
                self._finish_connecting(wire)
            elif self._speaks(wire):
                self._selector.unregister(wire)
                self._connected.remove(wire)
                return wire
        return None

    def give_up_old(self) -> None:
        """Draw the conclusion from attempts that nobody answered in time."""
        now = time.monotonic()
        for wire in [wire for wire in self._connecting if now - wire.opened_at > CONNECT_S]:
            if wire.opened_at > self._refused_at:
                self.seen = Outcome.SILENT
            self._drop(wire)
        for wire in [wire for wire in self._connected if now - wire.opened_at > BANNER_S]:
            if wire.opened_at > self._refused_at:
                self.seen = Outcome.SILENT if self._forwarded else Outcome.BROKEN
            self._drop(wire)

    def _finish_connecting(self, wire: Wire) -> None:
        code = wire.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            self._failed(wire, code, by_machine=not self._forwarded)
            return
        self._connecting.remove(wire)
        self._connected.append(wire)
        self._selector.modify(wire, selectors.EVENT_READ)
        if self._accepted_by_machine:
            for other in list(self._connecting):
                self._drop(other)

    def _speaks(self, wire: Wire) -> bool:
        """Look without taking; an end before the first byte is as good as a refusal."""
        try:
            if socket.socket.recv(wire, 1, socket.MSG_PEEK):
                return True
        except BlockingIOError:
            return False
        except OSError:
            pass
        self._failed(wire, errno.ECONNREFUSED, by_machine=True)
        return False

    def _failed(self, wire: Wire, code: int, *, by_machine: bool) -> None:
        """Note a failure; what accepts connections for a machine refuses them while the machine is off."""
        if code in {errno.ECONNREFUSED, errno.ECONNRESET}:
            self.seen, self.alive = Outcome.CLOSED, self.alive or by_machine
            self._refused_at = time.monotonic()
            for earlier in [other for other in self._connected if other.opened_at < wire.opened_at]:
                self._drop(earlier)  # they wait for a repetition that comes too late
        else:  # no route, no answer: a network's word, not the machine's
            self.seen = Outcome.SILENT
        self._drop(wire)

    def _drop(self, wire: Wire) -> None:
        for attempts in (self._connecting, self._connected):
            if wire in attempts:
                attempts.remove(wire)
        if wire.fileno() in self._selector.get_map():
            self._selector.unregister(wire)
        wire.close()
