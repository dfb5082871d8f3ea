"""The TCP connection to a machine under test."""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

    from amigate.evidence.model import Outcome
    from amigate.sources.tunnel import Tunnel

HANDSHAKE_CAP_BYTES = 128 * 1024
"""More than this before a login is no SSH handshake; a real one takes 5 KiB."""
OPENING_BYTES = 64
"""How much of what a server says first is kept."""
LOGIN_CAP_BYTES = 256 * 1024 * 1024
"""More than this over one login is no answer to anything; paramiko keeps in memory what nobody has read yet."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came of knocking: a connection with the server's first bytes waiting, else what was seen last."""

    wire: Wire | Tunnel | None = None
    seen: Outcome | None = None
    """CLOSED, BROKEN or SILENT; None when there was no time to see anything."""
    alive: bool = False
    """The machine itself has answered."""


class Wire(socket.socket):
    """A socket without delays, which ends early when the server talks too much before the login."""

    def __init__(self) -> None:
        super().__init__(socket.AF_INET, socket.SOCK_STREAM)
        self.setblocking(False)
        self.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.opened_at = time.monotonic()
        self._budget = HANDSHAKE_CAP_BYTES
        self.opening = b""
        """The first bytes of what the server said."""

    def trust_volume(self) -> None:
        """Raise the cap: who is logged in may send what is asked of them, and no machine all that there is."""
        self._budget = LOGIN_CAP_BYTES

    def recv(self, size: int, flags: int = 0) -> bytes:
        """Receive as any socket; b"" once the cap is reached."""
        if self._budget <= 0:
            return b""
        data = super().recv(size, flags)
        self._budget -= len(data)
        self.opening += data[: OPENING_BYTES - len(self.opening)]
        self._acknowledge_at_once()
        return data

    def send(self, data: ReadableBuffer, flags: int = 0) -> int:
        """Send as any socket."""
        sent = super().send(data, flags)
        self._acknowledge_at_once()
        return sent

    def _acknowledge_at_once(self) -> None:
        """Have the answer acknowledged when it comes: sshd holds back what is small until then (RFC 896).

        Linux forgets this whenever data is sent or read, and would wait 40 ms for something to send along."""
        if hasattr(socket, "TCP_QUICKACK"):
            self.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
