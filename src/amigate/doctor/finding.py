"""What the doctor says of one thing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How it is with one thing."""

    OK = "ok"
    WARN = "warn"
    """amigate works, but not all of it, or something wants attention."""
    FAIL = "fail"
    """What was asked about does not work."""
    UNKNOWN = "unknown"
    """It could not be told; never to be taken for ok."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that was looked at."""

    topic: str
    state: State
    found: str
    """What was seen."""
    next_step: str = ""
    """What to do about it; empty only where it is ok."""
    untellable: bool = False
    """Nobody could tell it from here, so that it is unknown in the best of cases and decides no exit code."""


def ok(topic: str, found: str) -> Finding:
    """Return that a thing is in order."""
    return Finding(topic=topic, state=State.OK, found=found)


def exit_code(findings: list[Finding]) -> int:
    """Return 1 when something fails, else 3 when something that can be told could not be, else 0."""
    if any(each.state is State.FAIL for each in findings):
        return 1
    return 3 if any(each.state is State.UNKNOWN and not each.untellable for each in findings) else 0
