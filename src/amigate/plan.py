"""What a run looks at, planned from what its rules declare."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from amigate.check import Look
from amigate.evidence.model import Launch, Vantage, Viewpoint
from amigate.result import Witness

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from amigate.check import Ask, Check

_RUNNING = {Witness.INSTANCE, Witness.TWIN, Witness.PROBE}


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a run looks at: which launches, and what is done with the last of them.

    The order is always: launch them all, collect from each, look at the last one as a stranger, reboot it, and
    collect from it again what the rules about a reboot need."""

    launches: tuple[Launch, ...] = ()
    """Those with a key of their own: none, A, or A and B."""
    looks: frozenset[Look] = frozenset()

    @property
    def last(self) -> Launch:
        """The launch that is probed and rebooted, after everything else was seen of it."""
        return self.launches[-1]

    @property
    def all(self) -> tuple[Launch, ...]:
        """Every launch, the one without a key included."""
        return (*self.launches, Launch.KEYLESS) if Look.KEYLESS in self.looks else self.launches

    def viewpoints(self) -> Iterator[Viewpoint]:
        """Yield every viewpoint from which something is to be seen."""
        for launch in self.all:
            yield Viewpoint(launch, 1, Vantage.OUTSIDE)
        for launch in self.launches:
            yield Viewpoint(launch, 1, Vantage.INSIDE)
        if Look.REBOOT in self.looks:
            yield Viewpoint(self.last, 2, Vantage.OUTSIDE)
            yield Viewpoint(self.last, 2, Vantage.INSIDE)


def asked_of(check: Check, asked: Collection[Witness]) -> tuple[Witness, ...]:
    """Return the witnesses that the rule names and that were asked for."""
    return tuple(witness for witness in check.evidence if witness in asked)


def asks(checks: Collection[Check], asked: Collection[Witness]) -> frozenset[Ask]:
    """Return what AWS is to be asked beyond the image itself; nothing that none of the rules asks for."""
    return frozenset(ask for check in checks if Witness.EC2 in asked_of(check, asked) for ask in check.asks)


def plan(checks: Collection[Check], asked: Collection[Witness]) -> Plan:
    """Return what the rules need looked at; nothing that none of them asks for."""
    running = [check for check in checks if _RUNNING.intersection(asked_of(check, asked))]
    if not running:
        return Plan()
    twins = any(Witness.TWIN in asked_of(check, asked) for check in running)
    return Plan(
        launches=(Launch.A, Launch.B) if twins else (Launch.A,),
        looks=frozenset(look for check in running for look in check.looks),
    )
