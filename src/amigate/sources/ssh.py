"""Login over SSH with one key: whatever the image does becomes an Outcome, never an exception."""

from __future__ import annotations

import itertools
import logging
import time
from typing import TYPE_CHECKING

from amigate.evidence.model import Contact, Outcome
from amigate.sources.handshake import attempt
from amigate.sources.knock import knock

if TYPE_CHECKING:
    import threading
    from collections.abc import Sequence

    from amigate.sources.connection import Connection
    from amigate.sources.login_key import LoginKey
    from amigate.sources.tunnel import JumpHost, Tunnel
    from amigate.sources.wire import Wire

PAUSES_S = (1.0, 5.0)
"""After the first refusal of the key, and after every later one.

sshd may answer before the key is written; OpenSSH 9.8 locks out who fails often (PerSourcePenalties)."""
BROKEN_PAUSE_S = 1.0
BARRED_PAUSE_S = 5.0
"""While the server turns this address away; how long that lasts it does not say (seconds to minutes)."""

_log = logging.getLogger(__name__)
DETAILS = {
    Outcome.ACCEPTED: "the launch key was accepted",
    Outcome.DENIED: "an SSH server answers and refuses the launch key",
    Outcome.BROKEN: "something answers, but not with a complete SSH handshake",
    Outcome.BARRED: "an SSH server answers and turns this address away for now (PerSourcePenalties or MaxStartups)",
    Outcome.CLOSED: "the machine is up and nothing serves the port",
    Outcome.SILENT: "nothing answers",
}

_BARRED_AFTER = (
    "an SSH server refused the launch key, and has turned this address away since (PerSourcePenalties or MaxStartups), "
    "so it is not known whether the key came later"
)


def log_in(  # noqa: PLR0913 - one keyword per choice of the caller
    address: str,
    port: int,
    *,
    users: Sequence[str],
    key: LoginKey,
    timeout_s: float,
    key_wait_s: float | None = None,
    cancelled: threading.Event,
    forwarded: bool = False,
    jump: JumpHost | None = None,
) -> tuple[Contact, Connection | None]:
    """Try until the key is accepted, `timeout_s` is over or `cancelled` is set; the last thing seen counts.

    `users` are tried in turn. A key that was refused once may still be written for `key_wait_s` (default: as long
    as there is time); how long the server turns us away does not count. `forwarded`: something on the way (QEMU's
    user network) accepts connections before the machine does. `jump`: the host to go through; raises
    ConnectionFailedError when it lets nobody go on. An attempt that began in time may end up to a minute late."""
    logging.getLogger("paramiko").setLevel(logging.CRITICAL + 1)  # it would log what the image says
    login = _Login(address, users, key, cancelled)
    until = time.monotonic() + timeout_s
    alive = False
    while time.monotonic() < (ends := login.ends(until, key_wait_s)) and not cancelled.is_set():
        answer = knock(address, port, until=ends, cancelled=cancelled, forwarded=forwarded, alive=alive, jump=jump)
        alive = answer.alive
        if answer.wire is None:
            login.note_knock(answer.seen)
            break
        pause_s = login.attempt(answer.wire)
        if login.connection:
            break
        cancelled.wait(max(0.0, min(pause_s, until - time.monotonic())))
    return login.contact(address, port), login.connection


class _Login:
    """The attempts so far, and what was seen last."""

    def __init__(self, address: str, users: Sequence[str], key: LoginKey, cancelled: threading.Event) -> None:
        self._address = address
        self._key, self._cancelled = key, cancelled
        self._turns = itertools.cycle(users)
        self._user = next(self._turns)
        self._pauses = itertools.chain(PAUSES_S, itertools.repeat(PAUSES_S[-1]))
        self._tried: dict[str, None] = {}
        self._outcome, self._detail = Outcome.SILENT, ""
        self._host_key, self._host_key_type = "", ""
        self.connection: Connection | None = None
        self.denied_at = 0.0
        """time.monotonic() of the first refusal; 0 without one."""

    def ends(self, until: float, key_wait_s: float | None) -> float:
        """Return when to give up: a key that was refused is waited for only so long, where it can be tried."""
        if not self.denied_at or key_wait_s is None or self._outcome is Outcome.BARRED:
            return until
        return min(until, self.denied_at + key_wait_s)

    def note_knock(self, seen: Outcome | None) -> None:
        """Take what was seen of the port; a door slammed after the key was refused is still a refusal."""
        if seen is None or (self._outcome is Outcome.DENIED and seen is not Outcome.SILENT):
            return
        self._outcome, self._detail = seen, ""

    def attempt(self, wire: Wire | Tunnel) -> float:
        """Try the next user where the server spoke; return the seconds to wait after a failure."""
        tried = attempt(wire, self._user, self._key, self._cancelled, host=self._address)
        _log.debug("login as %s at %s: %s", self._user, self._address, tried.outcome)
        if tried.host_key:
            self._host_key, self._host_key_type = tried.host_key, tried.host_key_type
        if tried.outcome is Outcome.BROKEN:
            if self._outcome is not Outcome.DENIED:
                self._outcome, self._detail = tried.outcome, tried.detail
            return BROKEN_PAUSE_S
        if tried.outcome is Outcome.BARRED:
            self._outcome, self._detail = tried.outcome, _BARRED_AFTER if self.denied_at else ""
            return BARRED_PAUSE_S
        self._outcome, self._detail = tried.outcome, tried.detail
        self._tried.pop(self._user, None)
        self._tried[self._user] = None  # last in order
        self.connection = tried.connection
        self.denied_at = self.denied_at or time.monotonic()
        self._user = next(self._turns)
        return next(self._pauses)

    def contact(self, address: str, port: int) -> Contact:
        """Return how it stands."""
        return Contact(
            address=address,
            port=port,
            outcome=self._outcome,
            detail=self._detail or DETAILS[self._outcome],
            user=next(reversed(self._tried), self._user),
            users_tried=tuple(self._tried),
            launch_key=self._key.fingerprint,
            host_key=self._host_key,
            host_key_type=self._host_key_type,
        )
