"""Where each rule is judged: one place per witness that was asked, and per launch of a running one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from amigate.check import Look
from amigate.evidence.model import Launch
from amigate.plan import asked_of
from amigate.result import Witness

if TYPE_CHECKING:
    from collections.abc import Collection

    from amigate.check import Check
    from amigate.plan import Plan


@dataclass(frozen=True)
class Place:
    """One judgement of one rule: on this witness, and for a running instance, on this launch."""

    witness: Witness
    launch: Launch | None = None

    def __str__(self) -> str:
        return f"{self.witness}:{self.launch}" if self.launch else str(self.witness)

    @classmethod
    def parse(cls, text: str) -> Place:
        """Read what `str` wrote."""
        witness, _, launch = text.partition(":")
        return cls(Witness(witness), Launch(launch) if launch else None)


def places(check: Check, asked: Collection[Witness], planned: Plan) -> tuple[Place, ...]:
    """Return where `check` is judged; empty when none of its witnesses was asked.

    A rule about a running instance is judged on every launch: an image that is sound only now and then is not.
    What is done with one launch alone is judged there. A probe looks at the same launches from outside, so beside
    an instance it adds no place."""
    named = asked_of(check, asked)
    found = [Place(witness) for witness in named if witness in {Witness.EC2, Witness.DISK, Witness.TWIN}]
    live = next((witness for witness in (Witness.INSTANCE, Witness.PROBE) if witness in named), None)
    return (*found, *(Place(live, launch) for launch in _launches(check, planned))) if live else tuple(found)


def _launches(check: Check, planned: Plan) -> tuple[Launch, ...]:
    """Return the launches on which a rule about a running instance is judged."""
    if Look.KEYLESS in check.looks:
        return (Launch.KEYLESS,)
    return (planned.last,) if check.looks & {Look.STRANGER, Look.REBOOT} else planned.launches
