"""Waiting for EC2's status checks of a launched instance."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from amigate.errors import AwsError
from amigate.evidence.model import Standing

if TYPE_CHECKING:
    import threading

    from amigate.sources.machine import Machine

SETTLED = frozenset({"ok", "impaired"})
IMPAIRED_FOR_S = 60.0
"""A check that fails for less than this is looked at again: EC2 tries once a minute."""


def await_standing(
    machine: Machine,
    *,
    timeout_s: float,
    pause_s: float,
    cancelled: threading.Event,
    impaired_s: float = IMPAIRED_FOR_S,
) -> Standing:
    """Return how `machine` stands once both status checks pass, or fail and go on failing, or time is up.

    What EC2 does not say is left empty; that is no error of the image's."""
    started = time.monotonic()
    impaired_since: float | None = None
    while True:
        seen = _look(machine, time.monotonic() - started)
        now = time.monotonic()
        passed = (seen.system, seen.instance) == ("ok", "ok")
        impaired_since = impaired_since or now if "impaired" in {seen.system, seen.instance} else None
        lasting = impaired_since is not None and now - impaired_since >= impaired_s
        if passed or lasting or seen.state not in {"", "pending", "running"} or now - started >= timeout_s:
            return seen
        if cancelled.wait(min(pause_s, max(started + timeout_s - now, 0.0))):
            return seen


def _look(machine: Machine, waited_s: float) -> Standing:
    try:
        sighting, (system, instance) = machine.look(), machine.status_checks()
    except AwsError:
        return Standing(waited_s=round(waited_s, 1))
    return Standing(
        state=sighting.state,
        system=system,
        instance=instance,
        tokens=sighting.tokens,
        waited_s=round(waited_s, 1),
    )
