"""What a run did, and when."""

from __future__ import annotations

import time

import pytest

from amigate.live import Log
from amigate.sources.observation import Clock


def test_a_phase_says_when_it_began_however_it_ends() -> None:
    log = Log()
    with pytest.raises(ZeroDivisionError), log.phase("judge"):
        _ = 1 / 0
    (phase,) = log.timeline
    assert (phase.name, phase.duration_s) == ("judge", log.phases["judge"])
    assert 0 <= phase.started_s < 60


def test_what_happened_beside_it_is_set_against_the_same_begin() -> None:
    log = Log(began=100.0)
    log.span("A login", 101.5, 103.0)
    assert (log.timeline[0].started_s, log.timeline[0].duration_s) == (1.5, 1.5)


def test_a_phase_of_a_launch_that_comes_twice_stands_there_twice() -> None:
    began = time.monotonic()
    clock = Clock()
    for phase in ("stranger", "collect", "stranger"):
        clock.lap(phase)
    assert [name for name, _, _ in clock.spans] == ["stranger", "collect", "stranger"]
    edges = [moment for _, since, until in clock.spans for moment in (since, until)]
    assert edges == sorted(edges)
    assert began <= edges[0]
    assert list(clock.laps) == ["stranger", "collect"]
