"""The way to a machine through a login on a jump host, as `ssh -J` goes it."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from amigate.errors import ConnectionFailedError
from amigate.evidence.model import Outcome
from amigate.sources.wire import HANDSHAKE_CAP_BYTES, LOGIN_CAP_BYTES, OPENING_BYTES, Answer

if TYPE_CHECKING:
    import threading

    import paramiko

OPEN_S = 5.0
"""How long the jump host may take to reach a machine; one that is not up yet is tried again."""
BANNER_S = 15.0
PAUSE_S = 1.0
ALIVE_S = 30
"""How often a word is exchanged with the jump host while nothing else is said."""
_PROHIBITED = 1
"""SSH_OPEN_ADMINISTRATIVELY_PROHIBITED (RFC 4254, 5.1)."""


class Tunnel:
    """A connection that the jump host holds to a machine; a socket, as far as SSH over it goes."""

    def __init__(self, channel: paramiko.Channel) -> None:
        self._channel = channel
        self._budget = HANDSHAKE_CAP_BYTES
        self.opening = b""
        """The first bytes of what the server said, as `Wire` keeps them."""

    def trust_volume(self) -> None:
        """Raise the cap, as `Wire` does."""
        self._budget = LOGIN_CAP_BYTES

    def settimeout(self, seconds: float | None) -> None:
        """Set how long `recv` and `send` wait."""
        self._channel.settimeout(seconds)

    def recv(self, size: int) -> bytes:
        """Receive some bytes; b"" at the end, or once the cap is reached."""
        if self._budget <= 0:
            return b""
        data = self._channel.recv(size)
        self._budget -= len(data)
        self.opening += data[: OPENING_BYTES - len(self.opening)]
        return data

    def send(self, data: bytes) -> int:
        """Send some of `data`."""
        return self._channel.send(data)

    def close(self) -> None:
        """End it."""
        self._channel.close()

    @property
    def _closed(self) -> bool:
        """What paramiko asks a socket."""
        return self._channel.closed

    def speaks(self, until: float, cancelled: threading.Event) -> bool:
        """Wait until the other end has sent something, as a server does first."""
        while time.monotonic() < until and not cancelled.is_set() and not self._channel.closed:
            if self._channel.recv_ready():
                return True
            if self._channel.eof_received:
                return False
            cancelled.wait(0.02)
        return False


class JumpHost:
    """A login on the host through which all machines are reached; several threads may use it."""

    def __init__(self, connection: Any, name: str) -> None:
        self.connection = connection
        """fabric's Connection, logged in."""
        self.name = name
        self._transport: paramiko.Transport = connection.transport
        self._transport.set_keepalive(ALIVE_S)

    def knock(self, address: str, port: int, *, until: float, cancelled: threading.Event) -> Answer:
        """Knock until a server speaks, `until` (time.monotonic()) has come or `cancelled` is set.

        What does not answer is silent, never closed: the jump host may be what is in the way. Raises
        ConnectionFailedError when it forbids to go on from there, or is gone."""
        while time.monotonic() < until and not cancelled.is_set():
            tunnel = self._open(address, port)
            if tunnel is not None:
                if tunnel.speaks(min(until, time.monotonic() + BANNER_S), cancelled):
                    return Answer(wire=tunnel, alive=True)
                tunnel.close()
            cancelled.wait(max(0.0, min(PAUSE_S, until - time.monotonic())))
        return Answer(seen=Outcome.SILENT)

    def _open(self, address: str, port: int) -> Tunnel | None:
        from paramiko import ChannelException, SSHException  # noqa: PLC0415 - slow to import

        try:
            place = (address, port)
            return Tunnel(self._transport.open_channel("direct-tcpip", place, ("127.0.0.1", 0), timeout=OPEN_S))
        except ChannelException as error:
            if error.code == _PROHIBITED:
                raise ConnectionFailedError(
                    f"the jump host {self.name} does not let anybody go on to {address} port {port}",
                    hint="AllowTcpForwarding, DisableForwarding or PermitOpen in its sshd_config does this",
                ) from error
            return None
        except (SSHException, EOFError, OSError) as error:
            if self._transport.is_active():
                return None  # it is still trying to reach the machine
            raise ConnectionFailedError(f"the connection to the jump host {self.name} broke") from error

    def close(self) -> None:
        """End the login, and all that goes through it."""
        with suppress(OSError, EOFError):
            self.connection.close()
