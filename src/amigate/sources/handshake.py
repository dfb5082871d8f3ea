"""One attempt to log in, on a connection where a server has spoken."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from amigate.evidence.model import Outcome
from amigate.sources.connection import STEP_S, Connection

if TYPE_CHECKING:
    import paramiko

    from amigate.sources.login_key import LoginKey
    from amigate.sources.tunnel import Tunnel
    from amigate.sources.wire import Wire

_NOT_NOW = (b"Not allowed at this time\r\n", b"Exceeded MaxStartups\r\n")
"""What OpenSSH says in place of its name to whom it turns away: since 9.8, where PerSourcePenalties are one reason of
several, and before that. sshd.c, drop_connection(): https://github.com/openssh/openssh-portable/blob/V_10_0/sshd.c"""


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """What came of it."""

    outcome: Outcome
    """ACCEPTED, DENIED, BROKEN or BARRED."""
    detail: str = ""
    """One sentence of ours; empty when the outcome says it all."""
    connection: Connection | None = None
    host_key: str = ""
    """SHA256 fingerprint of the key that the server proved to hold."""
    host_key_type: str = ""


def attempt(wire: Wire | Tunnel, user: str, key: LoginKey, cancelled: threading.Event, *, host: str) -> Attempt:
    """Shake hands and offer `key`, nothing else; takes `wire` over. Every step ends within STEP_S."""
    import paramiko  # noqa: PLC0415 - slow to import

    transport = transport_over(wire)
    result = Attempt(outcome=Outcome.BROKEN)
    try:
        result = shake_hands(transport, wire, cancelled) or _log_in(transport, user, key, cancelled, host)
    except (paramiko.SSHException, EOFError, OSError):
        pass  # the server went away between two steps
    finally:
        if result.connection is None:
            transport.close()
            wire.close()
    if result.connection is not None:
        wire.trust_volume()
    return result


def transport_over(wire: Wire | Tunnel) -> paramiko.Transport:
    """Return SSH over `wire`, every step of which ends within STEP_S."""
    import paramiko  # noqa: PLC0415 - slow to import

    transport = paramiko.Transport(wire)  # type: ignore[arg-type] # it takes whatever is like a socket
    transport.banner_timeout = transport.handshake_timeout = transport.auth_timeout = STEP_S
    return transport


def shake_hands(transport: paramiko.Transport, wire: Wire | Tunnel, cancelled: threading.Event) -> Attempt | None:
    """Agree on keys and algorithms; return None when it went well, else how it failed."""
    from paramiko.ssh_exception import IncompatiblePeer  # noqa: PLC0415 - slow to import

    done = threading.Event()
    transport.start_client(event=done)
    if not _comes(done, cancelled):
        return Attempt(outcome=Outcome.BROKEN, detail=f"an SSH handshake did not end within {STEP_S:.0f} s")
    if transport.is_active():
        return None
    if wire.opening.startswith(_NOT_NOW):
        return Attempt(outcome=Outcome.BARRED)
    if isinstance(transport.get_exception(), IncompatiblePeer):
        detail = "the SSH server offers no algorithm that paramiko knows"
        return Attempt(outcome=Outcome.BROKEN, detail=detail)
    return Attempt(outcome=Outcome.BROKEN)


def _log_in(transport: paramiko.Transport, user: str, key: LoginKey, cancelled: threading.Event, host: str) -> Attempt:
    host_key = transport.get_remote_server_key()

    def result(outcome: Outcome, detail: str = "", connection: Connection | None = None) -> Attempt:
        return Attempt(
            outcome=outcome,
            detail=detail,
            connection=connection,
            host_key=host_key.fingerprint,
            host_key_type=host_key.get_name(),
        )

    done = threading.Event()
    transport.auth_publickey(user, key.private, event=done)
    if not _comes(done, cancelled):
        return result(Outcome.BROKEN, f"the SSH server did not answer the login within {STEP_S:.0f} s")
    if transport.is_authenticated():
        return result(Outcome.ACCEPTED, connection=Connection(transport, user, host))
    return result(Outcome.DENIED, _refusal(transport))


def _refusal(transport: paramiko.Transport) -> str:
    from paramiko.ssh_exception import BadAuthenticationType, PartialAuthentication  # noqa: PLC0415

    match transport.get_exception():
        case PartialAuthentication():
            return "the SSH server takes the launch key and wants something more"
        case BadAuthenticationType():
            return "the SSH server takes no public keys"
        case _ if not transport.is_active():
            return "the SSH server ends the connection instead of accepting the launch key"
    return ""


def _comes(event: threading.Event, cancelled: threading.Event) -> bool:
    deadline = time.monotonic() + STEP_S
    while time.monotonic() < deadline and not cancelled.is_set():
        if event.wait(0.1):
            return True
    return False
