"""Figures of many mutants."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.contract.disk.fuzz.outcome import Result

if TYPE_CHECKING:
    from tests.contract.disk.fuzz.outcome import Outcome


@dataclass
class Figures:
    """Counts by kind and result, and the worst."""

    counts: Counter[tuple[str, Result]] = field(default_factory=Counter)
    slowest: dict[str, Outcome] = field(default_factory=dict)
    largest: dict[str, Outcome] = field(default_factory=dict)
    bugs: list[Outcome] = field(default_factory=list)

    def add(self, outcome: Outcome) -> None:
        """Count one."""
        row = f"{outcome.kind}, repaired" if outcome.is_repaired else outcome.kind
        self.counts[row, outcome.result] += 1
        self.slowest[row] = max(self.slowest.get(row, outcome), outcome, key=lambda each: each.seconds)
        self.largest[row] = max(self.largest.get(row, outcome), outcome, key=lambda each: each.peak_mib)
        if outcome.result.is_bug:
            self.bugs.append(outcome)

    def table(self) -> str:
        """Return a table of Markdown, a row for each kind."""
        heads = ("kind", "mutants", *Result, "slowest, s", "most memory, MiB")
        rows = [heads, tuple("---" for _ in heads), *(self._row(kind) for kind in sorted(self.slowest))]
        return "\n".join(f"| {' | '.join(row)} |" for row in rows)

    def _row(self, kind: str) -> tuple[str, ...]:
        counts = [self.counts[kind, result] for result in Result]
        worst = (f"{self.slowest[kind].seconds:.2f}", f"{self.largest[kind].peak_mib:.0f}")
        return (kind, str(sum(counts)), *map(str, counts), *worst)
