"""From an instance that was launched to a login on it, or to the reason why there is none."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Self

from amigate.errors import AwsError
from amigate.evidence.model import Contact, Outcome
from amigate.sources.ssh import log_in

if TYPE_CHECKING:
    from collections.abc import Sequence

    from amigate.sources.connection import Connection
    from amigate.sources.launch import AccountRun
    from amigate.sources.machine import Machine, Sighting
    from amigate.sources.tunnel import JumpHost

SHUT_ITSELF_DOWN = "Client.InstanceInitiatedShutdown"
"""https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_StateReason.html"""
FASTEST_LOOK_S = 1.0


def reach(  # noqa: PLR0913 - one keyword per choice of the caller
    run: AccountRun,
    machine: Machine,
    *,
    users: Sequence[str],
    port: int = 22,
    timeout_s: float = 300,
    key_wait_s: float | None = None,
    cancelled: threading.Event | None = None,
    jump: JumpHost | None = None,
) -> tuple[Contact, Connection | None]:
    """Wait until `machine` runs and log in; without a login the Contact says why and the Connection is None.

    A key that was refused once may still be written for `key_wait_s` (default: as long as there is time).
    Raises AwsError when EC2 does not say how the instance is, ConnectionFailedError when `jump`, the host to go
    through, does not let anybody go on."""
    cancelled = cancelled or threading.Event()
    until = time.monotonic() + timeout_s
    sighting = await_address(run, machine, until, cancelled)
    nobody = Contact(
        address=sighting.address,
        port=port,
        outcome=Outcome.SILENT,
        detail=f"EC2 has the instance {sighting.state} after {timeout_s:.0f} s",
        launch_key=machine.key.fingerprint,
    )
    if sighting.is_gone or sighting.state != "running" or not sighting.address:
        return _dated(_if_gone(nobody, sighting), machine), None
    with _Watch(run, machine, cancelled) as watch:
        contact, connection = log_in(
            sighting.address,
            port,
            users=users,
            key=machine.key,
            timeout_s=max(until - time.monotonic(), 1.0),
            key_wait_s=key_wait_s,
            cancelled=watch.stop,
            forwarded=run.aws.sandbox,
            jump=jump,
        )
    if connection is None and watch.gone:
        contact = _if_gone(contact, watch.gone)
    if connection is not None:
        run.logins[machine.instance_id] = contact.user
    return _dated(contact, machine), connection


def await_address(run: AccountRun, machine: Machine, until: float, cancelled: threading.Event) -> Sighting:
    """Return the instance once it runs and has an address, is gone, or `until` (time.monotonic()) has come."""
    while True:
        sighting = machine.look()
        if (sighting.state == "running" and sighting.address) or sighting.is_gone:
            return sighting
        if cancelled.wait(min(run.pause_s, FASTEST_LOOK_S)) or time.monotonic() > until:
            return sighting


def _if_gone(contact: Contact, sighting: Sighting) -> Contact:
    """Judge a death: by its own hand it is the image's doing, else nothing is known of the image."""
    if not sighting.is_gone:
        return contact
    if sighting.reason == SHUT_ITSELF_DOWN:
        detail = "the instance shut itself down before anybody could log in"
        return replace(contact, outcome=Outcome.CLOSED, detail=detail)
    reason = f" ({sighting.reason})" if sighting.reason else ""
    detail = f"the instance was {sighting.state}{reason} before anybody could log in"
    return replace(contact, outcome=Outcome.SILENT, detail=detail)


def _dated(contact: Contact, machine: Machine) -> Contact:
    return replace(contact, waited_s=round(time.monotonic() - machine.launched_at, 3))


class _Watch:
    """Sets `stop` when the caller cancels or EC2 says that the instance is gone."""

    def __init__(self, run: AccountRun, machine: Machine, cancelled: threading.Event) -> None:
        self._machine, self._cancelled = machine, cancelled
        self._look_every_s = max(run.pause_s, FASTEST_LOOK_S)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name=f"watch {machine.instance_id}", daemon=True)
        self.stop = threading.Event()
        self.gone: Sighting | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        next_look = time.monotonic() + self._look_every_s
        while not self._over.wait(0.2):
            if self._cancelled.is_set():
                self.stop.set()
                return
            if time.monotonic() < next_look:
                continue
            next_look = time.monotonic() + self._look_every_s
            with suppress(AwsError):  # the next look may say
                sighting = self._machine.look()
                if sighting.is_gone:
                    self.gone = sighting
                    self.stop.set()
                    return
