"""Readiness and login over SSH; whatever the image does becomes an Outcome, never an exception."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import threading
    from collections.abc import Sequence

    from amigate.evidence.channel import Channel
    from amigate.evidence.model import Contact
    from amigate.sources.login_key import LoginKey


class Connection:
    """A login on the machine under test."""

    user: str

    def execute(self, command: str) -> Channel:
        """Start `command`; raise ConnectionFailedError when the server refuses the session."""
        raise NotImplementedError

    def close(self) -> None:
        """End the login; what still runs over it sees the end of its input. Safe from another thread."""
        raise NotImplementedError


def log_in(  # noqa: PLR0913
    address: str,
    port: int,
    *,
    users: Sequence[str],
    key: LoginKey,
    timeout_s: float,
    cancelled: threading.Event,
    forwarded: bool = False,
) -> tuple[Contact, Connection | None]:
    """Try until the key is accepted, `timeout_s` is over or `cancelled` is set; the last thing seen is the outcome.

    `forwarded`: something on the way (QEMU's user network) accepts connections before the machine does."""
    raise NotImplementedError
