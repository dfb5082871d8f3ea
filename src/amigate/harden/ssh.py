"""The machine over SSH: fabric finds the way and the key, as ssh(1) would; root by `sudo -n`."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from amigate.errors import ConnectionFailedError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import paramiko

    from amigate.evidence.model import Answer
    from amigate.harden.ssh_channel import SshChannel

_log = logging.getLogger(__name__)
OUTPUT_CAP_BYTES = 1024 * 1024
"""Most that is kept of each stream of a command."""

LOGIN_S = 20.0
"""How long the second login is tried; a server that reloads refuses connections for a moment."""


@dataclass(frozen=True, kw_only=True)
class Address:
    """Where to log in and how."""

    host: str
    user: str
    """Empty: as the ssh configuration says, else the local user."""
    port: int | None = None
    """None: as the ssh configuration says, else 22."""
    identity: Path | None = None
    """The key file to use, and no other; None: the agent's keys and those of the ssh configuration."""
    key: paramiko.PKey | None = field(default=None, repr=False)
    """A key in memory, instead of all these."""
    known_hosts: Path | None = None
    """Instead of ~/.ssh/known_hosts and the system's."""
    accept_new: bool = False
    """Accept the host key of a host that known_hosts does not name."""
    host_key: paramiko.PKey | None = None
    """The only host key to accept."""
    host_fingerprint: str = ""
    """SHA256 fingerprint of the only host key to accept."""
    gateway: Any = None
    """fabric's Connection to go through; None: as the ssh configuration says."""

    def __str__(self) -> str:
        return (f"{self.user}@" if self.user else "") + self.host + (f":{self.port}" if self.port else "")


class SshMachine:
    """A session with a machine, as root."""

    def __init__(self, address: Address, connection: Any, key: str, *, sudo: bool) -> None:
        self._address = address
        self._connection = connection
        self._key = key
        self._sudo = sudo

    @property
    def user(self) -> str:
        """Who is logged in."""
        return self._address.user

    @property
    def key(self) -> str:
        """The public key that logged in."""
        return self._key

    @property
    def host_key(self) -> paramiko.PKey:
        """The host key that the server proved to hold."""
        found: paramiko.PKey = self._connection.transport.get_remote_server_key()
        return found

    def open_shell(self, command: str) -> SshChannel:
        """Start `command` as the login user."""
        return self._channel(command)

    def execute(self, script: str, stdin: bytes = b"", *, timeout_s: float = 120.0) -> Answer:
        """Run `script` as root."""
        data = f"PATH=/usr/sbin:/usr/bin:/sbin:/bin:$PATH LC_ALL=C\nexport PATH LC_ALL\n{script}".encode()
        # The script comes first on standard input, so that it needs no quoting and shows in no log of sudo.
        command = f"""/bin/sh -c 'eval "$(dd bs=1 count={len(data)} 2>/dev/null)"'"""
        began = time.monotonic()
        channel = self._channel(f"sudo -n -- {command}" if self._sudo else command)
        try:
            channel.send(data + stdin)
            channel.end_input()
            answer = channel.finish("a script of amigate", OUTPUT_CAP_BYTES, timeout_s)
        except OSError as error:
            raise ConnectionFailedError(f"the session with {self._address} broke, or hangs") from error
        finally:
            channel.close()
        _log.debug("round trip: exit code %d, %.2f s", answer.exit_code, time.monotonic() - began)
        return answer

    def prove_login(self) -> None:
        """Log in beside this session, with the same key to the same host key."""
        from amigate.harden.ssh_login import LoginRefusedError  # noqa: PLC0415 - fabric is slow to import

        address = replace(self._address, host_key=self.host_key)
        deadline = time.monotonic() + LOGIN_S
        refused = 0
        while True:
            try:
                return connect(address).close()
            except ConnectionFailedError as error:
                refused += isinstance(error, LoginRefusedError)
                if refused > 1 or time.monotonic() > deadline:
                    raise
                time.sleep(0.5)

    def close(self) -> None:
        """End the session."""
        self._connection.close()

    def _channel(self, command: str) -> SshChannel:
        from amigate.harden.ssh_channel import SshChannel, session_errors  # noqa: PLC0415 - paramiko is slow to import

        with session_errors(str(self._address)):
            channel = self._connection.transport.open_session(timeout=30)
            channel.exec_command(command)
            return SshChannel(channel)


def connect(address: Address, say: Callable[[str], None] = lambda _: None) -> SshMachine:
    """Log in, and make sure that the login user can become root without a password.

    Raises UsageError for a key file that cannot be used, ConnectionFailedError for all that the machine does."""
    from amigate.harden.ssh_login import open_connection  # noqa: PLC0415 - fabric is slow to import

    if address.identity is not None and not address.identity.is_file():
        raise UsageError(f"there is no key file {address.identity}")
    connection, key = open_connection(address, say)
    machine = SshMachine(address, connection, key, sudo=False)
    try:
        return SshMachine(address, connection, key, sudo=_needs_sudo(machine, address))
    except BaseException:
        machine.close()
        raise


def _needs_sudo(machine: SshMachine, address: Address) -> bool:
    """Say whether the login user is not root; raises ConnectionFailedError when root cannot be had without asking.

    `-k` leaves out a password that sudo still remembers: locking passwords would take that way to root away."""
    answer = machine.execute('id -u; if [ "$(id -u)" != 0 ]; then sudo -k -n true; fi', timeout_s=60.0)
    uid = answer.text.strip()
    if answer.exit_code != 0:
        raise ConnectionFailedError(
            f"{address}: logged in, but `sudo -n` is refused, so nothing can be done as root",
            hint=f"give {address.user} sudo without a password (NOPASSWD), as cloud images do; "
            "locking passwords would otherwise leave no way to root",
        )
    return uid != "0"
