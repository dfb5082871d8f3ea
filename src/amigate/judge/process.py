"""The judge's parent side: a child process that collects the checks at once and judges when evidence comes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Self

from amigate.evidence import codec
from amigate.judge.decide import Decision
from amigate.judge.places import Place
from amigate.judge.worker import CHILD, Worker
from amigate.result import Finding, Status

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from amigate.check import Settings
    from amigate.evidence.model import Evidence

RULE_LIMIT_S = 20.0
"""How long one judgement of one rule may take."""

START_LIMIT_S = 60.0


class Judge:
    """One judgement of evidence, in a process without credentials; a context manager.

    Entering starts the child, which collects the checks while the instances boot; `judge` hands it the evidence.
    `child` is a process of CHILD's that was started before, without an order, to save the time. A child that dies,
    hangs or answers nonsense leaves judgements unanswered: never passes."""

    def __init__(
        self,
        places: Mapping[str, tuple[Place, ...]],
        settings: Mapping[str, Settings] | None = None,
        child: Worker | None = None,
    ) -> None:
        self._places = places
        self._settings = settings or {}
        self._child = child
        self.ended = ""
        """How the child ended, in words for a reader, once `judge` has returned."""

    def __enter__(self) -> Self:
        self._worker = self._child or Worker(CHILD)
        self._worker.order(
            {
                "places": {rule: [str(place) for place in places] for rule, places in self._places.items()},
                "settings": self._settings,
                "limit_s": RULE_LIMIT_S,
            }
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._worker.close()

    def judge(self, evidence: Evidence) -> dict[tuple[str, Place], tuple[Decision, float]]:
        """Return the decisions that the child made, with the seconds each took; a missing one was not made."""
        self._worker.write(codec.dump(evidence).encode("ascii"))
        self._worker.end_input()
        decisions = {}
        for line in self._worker.lines(start_s=START_LIMIT_S, silence_s=2 * RULE_LIMIT_S):
            row = parsed(line)
            decided = decision_in(row)
            if decided is not None:
                decisions[str(row["rule"]), Place.parse(row["place"])] = decided
        self.ended = self._worker.ending()
        return decisions


def parsed(line: bytes) -> dict[str, Any]:
    """Return a line of a child's as a mapping; an empty one for anything else."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return row if isinstance(row, dict) else {}


def decision_in(row: Mapping[str, Any]) -> tuple[Decision, float] | None:
    """Return the decision that a row holds and the seconds it took; None where it holds none."""
    try:
        Place.parse(row["place"])
        findings = tuple(Finding(**finding) for finding in row["findings"])
        status, is_live = Status(row["status"]), row.get("only_live") is True
        decision = Decision(status=status, message=str(row["message"]), findings=findings, only_live=is_live)
        return decision, float(row["duration_s"])
    except (ValueError, KeyError, TypeError):
        return None
