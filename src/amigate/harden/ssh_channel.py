"""One program on the machine over SSH; its standard error is kept apart."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import paramiko

from amigate.errors import ConnectionFailedError
from amigate.evidence.model import Answer

if TYPE_CHECKING:
    from collections.abc import Iterator

_POLL_S = 0.02
_BLOCK = 32768


class SshChannel:
    """A Channel over paramiko."""

    def __init__(self, channel: paramiko.Channel) -> None:
        self._channel = channel

    def send(self, data: bytes) -> None:
        """Write all of `data`."""
        self._channel.settimeout(60.0)
        self._channel.sendall(data)

    def end_input(self) -> None:
        """Let the program see the end of its input."""
        self._channel.shutdown_write()

    def receive(self, timeout_s: float) -> bytes:
        """Return some of its output; what it says on standard error is thrown away."""
        while self._channel.recv_stderr_ready():
            self._channel.recv_stderr(_BLOCK)
        self._channel.settimeout(timeout_s)
        return self._channel.recv(_BLOCK)

    def finish(self, command: str, cap_bytes: int, timeout_s: float) -> Answer:
        """Read until the program ends; a connection that drops gives exit code -1. Raises TimeoutError."""
        deadline = time.monotonic() + timeout_s
        out, err = bytearray(), bytearray()
        while not self._ended():
            if time.monotonic() > deadline:
                raise TimeoutError
            if not self._drain(out, err, cap_bytes):
                self._channel.status_event.wait(_POLL_S)
        while self._drain(out, err, cap_bytes):
            pass
        return Answer(
            command=command,
            exit_code=self._channel.exit_status,
            stdout=bytes(out[:cap_bytes]),
            stderr=bytes(err[:cap_bytes]),
            truncated=len(out) > cap_bytes,
        )

    def close(self) -> None:
        """End the program."""
        self._channel.close()

    def _ended(self) -> bool:
        channel = self._channel
        return bool(channel.closed or (channel.eof_received and channel.exit_status_ready()))

    def _drain(self, out: bytearray, err: bytearray, cap_bytes: int) -> bool:
        """Take what has come, keep what is below the cap; say whether anything had."""
        took = False
        for ready, receive, kept in (
            (self._channel.recv_ready, self._channel.recv, out),
            (self._channel.recv_stderr_ready, self._channel.recv_stderr, err),
        ):
            if ready():
                data = receive(_BLOCK)
                took = True
                if len(kept) <= cap_bytes:
                    kept.extend(data)
        return took


@contextmanager
def session_errors(where: str) -> Iterator[None]:
    """Turn what paramiko raises into one sentence."""
    try:
        yield
    except (paramiko.SSHException, OSError, EOFError) as error:
        raise ConnectionFailedError(f"the session with {where} broke") from error
