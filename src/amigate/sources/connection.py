"""A login on the machine under test, and the programs that run over it."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from amigate.errors import ConnectionFailedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import paramiko

    from amigate.evidence.channel import Channel

STEP_S = 30.0
"""Longest that the server may take over one step; after that the connection is closed."""
CHUNK_BYTES = 64 * 1024
STDERR_CHUNKS = 64
"""Most that is thrown away of standard error between two looks at standard output."""


class Connection:
    """A login; one is enough for a whole collection."""

    def __init__(self, transport: paramiko.Transport, user: str, address: str) -> None:
        self.transport = transport
        self.user = user
        self._address = address

    def execute(self, command: str) -> Channel:
        """Start `command`; raise ConnectionFailedError when the server refuses it or is gone."""
        from paramiko import SSHException  # noqa: PLC0415 - slow to import

        try:
            with _limit(self.transport):
                session = self.transport.open_session(timeout=STEP_S)
                session.exec_command(command)
        except (SSHException, EOFError, OSError) as error:
            raise ConnectionFailedError(
                f"{self._address} let {self.user} log in and then refused to run a command",
                hint="a forced command, or MaxSessions 0 in sshd_config, does this",
            ) from error
        return _Program(self.transport, session)

    @property
    def is_alive(self) -> bool:
        """Whether the other side is still there, as far as has been noticed."""
        return bool(self.transport.is_active())

    def close(self) -> None:
        """End the login; what still runs over it sees the end of its input. Safe from another thread."""
        self.transport.close()


class _Program:
    """A remote program's standard input and output; its standard error is thrown away."""

    def __init__(self, transport: paramiko.Transport, session: paramiko.Channel) -> None:
        self._transport, self._session = transport, session

    def send(self, data: bytes) -> None:
        """Write all of `data`; raise OSError when the other side is gone or takes nothing for 30 s."""
        from paramiko import SSHException  # noqa: PLC0415 - slow to import

        try:
            with _limit(self._transport):
                self._session.settimeout(STEP_S)
                self._session.sendall(data)
        except (SSHException, EOFError) as error:
            raise ConnectionResetError("the SSH connection broke") from error

    def receive(self, timeout_s: float) -> bytes:
        """Return some bytes, b"" once the program has ended; raise TimeoutError when nothing came in time."""
        self._session.settimeout(max(timeout_s, 0.0))
        data = self._session.recv(CHUNK_BYTES)
        for _ in range(STDERR_CHUNKS):  # unread, it would use up the window and stop the program
            if not self._session.recv_stderr_ready():
                break
            self._session.recv_stderr(CHUNK_BYTES)
        return data

    def close(self) -> None:
        """End the program."""
        self._session.close()


@contextmanager
def _limit(transport: paramiko.Transport) -> Iterator[None]:
    """Close `transport` when the block takes too long: paramiko waits for some answers without limit."""
    timer = threading.Timer(STEP_S, transport.close)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
