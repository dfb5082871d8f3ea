"""The TCP connection to a machine under test."""

from __future__ import annotations

import socket
import time

HANDSHAKE_CAP_BYTES = 128 * 1024
"""More than this before a login is no SSH handshake; a real one takes 5 KiB."""
LOGIN_CAP_BYTES = 256 * 1024 * 1024
"""More than this over one login is no answer to anything; paramiko keeps in memory what nobody has read yet."""


class Wire(socket.socket):
    """A socket without delays, which ends early when the server talks too much before the login."""

    def __init__(self) -> None:
        super().__init__(socket.AF_INET, socket.SOCK_STREAM)
        self.setblocking(False)
        self.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.opened_at = time.monotonic()
        self._budget = HANDSHAKE_CAP_BYTES

    def trust_volume(self) -> None:
        """Raise the cap: who is logged in may send what is asked of them, and no machine all that there is."""
        self._budget = LOGIN_CAP_BYTES

    def recv(self, size: int, flags: int = 0) -> bytes:
        """Receive as any socket; b"" once the cap is reached."""
        if self._budget <= 0:
            return b""
        data = super().recv(size, flags)
        self._budget -= len(data)
        if hasattr(socket, "TCP_QUICKACK"):  # Linux; wears off, so it is set again after each read
            self.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        return data
