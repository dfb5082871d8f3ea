"""What an SSH server offers to somebody who shows nothing but a name."""

from __future__ import annotations

import secrets
import time
from functools import partial
from typing import TYPE_CHECKING

from amigate.evidence.model import PASSWORD_METHODS, Offer, Outcome
from amigate.sources.handshake import shake_hands, transport_over
from amigate.sources.knock import knock
from amigate.sources.ssh import BARRED_PAUSE_S, DETAILS

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Sequence

    import paramiko

    from amigate.sources.tunnel import JumpHost
    from amigate.sources.wire import Answer

LONGEST = 64
MOST_METHODS = 16
NOBODY_ANSWERED = "no SSH server answered a stranger; it may have banned this address"


def offers(  # noqa: PLR0913 - one keyword per choice of the caller
    address: str,
    port: int,
    *,
    users: Sequence[str],
    timeout_s: float,
    cancelled: threading.Event,
    forwarded: bool = False,
    alive: bool = False,
    jump: JumpHost | None = None,
) -> tuple[Offer, ...]:
    """Ask once for each of `users` which methods can continue, with the method `none` of RFC 4252.

    One connection each, one after the other, and nothing is tried twice but where the server turned us away for now:
    one that is hammered bans its guests. Whatever it does becomes part of the Offer."""
    until = time.monotonic() + timeout_s
    found: list[Offer] = []
    for user in users:
        door = partial(
            knock,
            address,
            port,
            until=until,
            cancelled=cancelled,
            forwarded=forwarded,
            alive=alive or bool(found),
            jump=jump,
        )
        found.append(_offer(door, user, until, cancelled))
    return tuple(found)


def _offer(door: Callable[[], Answer], user: str, until: float, cancelled: threading.Event) -> Offer:
    while True:
        answer = door()
        if answer.wire is None:
            return Offer(user=user, unseen=NOBODY_ANSWERED)
        with transport_over(answer.wire) as transport:
            failed = shake_hands(transport, answer.wire, cancelled)
            if failed is None:
                return _ask(transport, user)
        if failed.outcome is not Outcome.BARRED:
            return Offer(user=user, unseen=failed.detail or NOBODY_ANSWERED)
        if time.monotonic() + BARRED_PAUSE_S > until or cancelled.wait(BARRED_PAUSE_S):
            return Offer(user=user, unseen=DETAILS[Outcome.BARRED])


def strangers(default_user: str) -> tuple[str, ...]:
    """Return the names to ask with: root, the default user, and one that nobody has."""
    names = ("root", default_user, f"amigate-{secrets.token_hex(4)}")
    return tuple(dict.fromkeys(name for name in names if name))


def _ask(transport: paramiko.Transport, user: str) -> Offer:
    from paramiko import BadAuthenticationType, SSHException  # noqa: PLC0415 - slow to import

    try:
        missing = transport.auth_none(user)
    except BadAuthenticationType as refusal:
        return Offer(user=user, methods=_methods(refusal.allowed_types))
    except (SSHException, EOFError, OSError):
        return Offer(user=user, unseen="the server ended the connection instead of listing its methods")
    return Offer(user=user, admitted=not missing, methods=_methods(missing))


def _methods(listed: Sequence[str]) -> tuple[str, ...]:
    """Return the server's words, as far as they have the form of a method's name (RFC 4250, 4.6.1).

    Of a list that is too long, those that ask for a password stay in any case."""
    names = dict.fromkeys(name for name in listed if name and len(name) <= LONGEST and _is_name(name))
    kept = sorted(names, key=lambda name: name not in PASSWORD_METHODS)[:MOST_METHODS]
    return tuple(name for name in names if name in kept)


def _is_name(text: str) -> bool:
    return text.isascii() and text.isprintable()
