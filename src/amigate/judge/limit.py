"""A limit of time on code that is not ours: whoever ignores it is killed from outside."""

from __future__ import annotations

import signal
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from amigate.judge.decide import OutOfTimeError

if TYPE_CHECKING:
    from collections.abc import Iterator

_LEAST_S = 0.001


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raise OutOfTimeError in the block when it runs too long; one limit inside another leaves the outer its time."""

    def out_of_time(*_: object) -> None:
        raise OutOfTimeError

    started = time.monotonic()
    previous = signal.signal(signal.SIGALRM, out_of_time)
    outer_s, _ = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        left_s = max(outer_s - (time.monotonic() - started), _LEAST_S) if outer_s else 0
        signal.setitimer(signal.ITIMER_REAL, left_s)
        signal.signal(signal.SIGALRM, previous)
