"""Where each rule is judged: one place per witness that was asked, and per launch of a running one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from amigate.evidence.model import Launch
from amigate.result import Witness

if TYPE_CHECKING:
    from collections.abc import Collection

    from amigate.check import Check


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


def asked_of(check: Check, asked: Collection[Witness]) -> tuple[Witness, ...]:
    """Return the witnesses that the rule names and that were asked for."""
    return tuple(witness for witness in check.evidence if witness in asked)


def launches(checks: Collection[Check], asked: Collection[Witness]) -> tuple[Launch, ...]:
    """Return the launches that the rules need: none, one, or twins."""
    wanted = {witness for check in checks for witness in asked_of(check, asked)}
    if Witness.TWIN in wanted:
        return (Launch.A, Launch.B)
    return (Launch.A,) if wanted & {Witness.INSTANCE, Witness.PROBE} else ()


def places(check: Check, asked: Collection[Witness], launched: Collection[Launch]) -> tuple[Place, ...]:
    """Return where `check` is judged; empty when none of its witnesses was asked.

    A rule about a running instance is judged on every launch: an image that is sound only now and then is not.
    A probe looks at the same launches from outside, so beside an instance it adds no place."""
    named = asked_of(check, asked)
    found: list[Place] = []
    for witness in named:
        match witness:
            case Witness.EC2 | Witness.DISK | Witness.TWIN:
                found.append(Place(witness))
            case Witness.INSTANCE:
                found += [Place(witness, launch) for launch in launched]
            case Witness.PROBE if Witness.INSTANCE not in named:
                found += [Place(witness, launch) for launch in launched]
    return tuple(found)
