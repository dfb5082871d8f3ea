"""The run's phases as lanes of bars: what went on side by side stands one below the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from amigate.result import Phase

_LANES = {"A": "Launch A", "B": "Launch B", "keyless": "Keyless launch"}
_DISK = "read the disk at rest"
_STEPS_S = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600)
_TICKS = 6
_PER_LETTER = 0.9
"""Percent of the width that a letter of a bar's label takes on a narrow page."""


@dataclass(frozen=True, kw_only=True)
class Bar:
    """One phase, in percent of the whole."""

    name: str
    started_s: float
    duration_s: float
    left: float
    width: float

    @property
    def has_room(self) -> bool:
        """Whether its name can be read in it."""
        return self.width > _PER_LETTER * len(self.name) + 1


@dataclass(frozen=True, kw_only=True)
class Lane:
    """What one actor of the run did; rows of bars that do not overlap."""

    name: str
    rows: tuple[tuple[Bar, ...], ...]


def lanes(timeline: Sequence[Phase]) -> list[Lane]:
    """Return the lanes in the order in which they began."""
    whole = total_s(timeline)
    bars: dict[str, list[Bar]] = {}
    for phase in timeline:
        lane, name = _place(phase.name)
        left = 100 * max(phase.started_s, 0) / whole
        width = min(100 * max(phase.duration_s, 0) / whole, 100 - left)
        bars.setdefault(lane, []).append(
            Bar(name=name, started_s=phase.started_s, duration_s=phase.duration_s, left=left, width=max(width, 0.3))
        )
    return [Lane(name=name, rows=_rows(found)) for name, found in bars.items()]


def total_s(timeline: Sequence[Phase]) -> float:
    """Return the seconds from the run's begin to the end of its last phase; never 0."""
    return max((phase.started_s + phase.duration_s for phase in timeline), default=0) or 1.0


def ticks(timeline: Sequence[Phase]) -> list[tuple[float, str]]:
    """Return marks of round seconds: where in percent, and what they say."""
    whole = total_s(timeline)
    step = next((step for step in _STEPS_S if whole / step <= _TICKS), whole / _TICKS)
    return [(100 * number * step / whole, f"{number * step:g} s") for number in range(int(whole / step) + 1)]


def _place(name: str) -> tuple[str, str]:
    """Return the lane of a phase, and its name there."""
    first, _, rest = name.partition(" ")
    if first in _LANES and rest:
        return _LANES[first], rest
    return ("Disk at rest", "read") if name == _DISK else ("Run", name)


def _rows(bars: Sequence[Bar]) -> tuple[tuple[Bar, ...], ...]:
    rows: list[list[Bar]] = []
    for bar in sorted(bars, key=lambda bar: (bar.started_s, -bar.duration_s)):
        free = (row for row in rows if row[-1].started_s + row[-1].duration_s <= bar.started_s + 0.01)  # rounding
        row = next(free, None)
        if row is None:
            rows.append([bar])
        else:
            row.append(bar)
    return tuple(tuple(row) for row in rows)
