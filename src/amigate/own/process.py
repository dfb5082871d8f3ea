"""Judging a user's tests from evidence: a process for each launch, apart from that of the shipped checks."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Self

from amigate.evidence import codec
from amigate.judge.decide import Decision, worst
from amigate.judge.process import RULE_LIMIT_S, START_LIMIT_S, decision_in, parsed
from amigate.judge.worker import Worker
from amigate.own.groups import groups
from amigate.result import Status

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from amigate.check import Settings
    from amigate.evidence.model import Evidence
    from amigate.judge.places import Place
    from amigate.own.groups import Group
    from amigate.own.tests import OwnTest

MODULE = "amigate.own.child"
HINT = "`pytest FOLDER --hosts=ssh://…` shows more"


class OwnJudge:
    """One judgement of a user's tests; a context manager, which starts its processes when it is entered.

    Every rule has a decision at each of its places: what was listed and did not answer is inconclusive."""

    def __init__(
        self, tests: Sequence[OwnTest], where: Mapping[str, Sequence[Place]], settings: Mapping[str, Settings]
    ) -> None:
        self._groups = groups(tests, where)
        self._settings = settings
        self._workers: list[Worker] = []

    def __enter__(self) -> Self:
        for group in self._groups:
            worker = Worker(MODULE)
            self._workers.append(worker)
            worker.order(group.order(self._settings, limit_s=RULE_LIMIT_S, live=False))
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.close()

    def judge(self, evidence: Evidence) -> dict[tuple[str, Place], tuple[Decision, float]]:
        """Return the decision for each rule at each place, with the seconds that it took."""
        text = codec.dump(evidence).encode("ascii")
        for worker in self._workers:
            worker.write(text)
            worker.end_input()
        found: dict[tuple[str, Place], tuple[Decision, float]] = {}
        for group, worker in zip(self._groups, self._workers, strict=True):
            for rule, decided in _answers(group, worker).items():
                found[rule, group.places[rule]] = decided
        return found


def _answers(group: Group, worker: Worker) -> dict[str, tuple[Decision, float]]:
    """Return one decision for each rule of a group; the worst counts, and none is worse than a missing one's."""
    expected: Counter[str] = Counter()
    answers: dict[str, list[tuple[Decision, float]]] = {rule: [] for rule in group.places}
    for line in worker.lines(start_s=START_LIMIT_S, silence_s=2 * RULE_LIMIT_S):
        row = parsed(line)
        expected[str(row.get("expected", ""))] += 1
        decided = decision_in(row)
        if decided is not None and row.get("rule") in answers:
            answers[row["rule"]].append(decided)
    ended = worker.ending()
    return {rule: _together(found, expected[rule], ended) for rule, found in answers.items()}


def _together(found: Sequence[tuple[Decision, float]], expected: int, ended: str) -> tuple[Decision, float]:
    decisions = [decision for decision, _ in found]
    if not decisions or len(decisions) < expected:
        what = (
            f"{expected - len(decisions)} of its {expected} runs gave no answer" if decisions else "it gave no answer"
        )
        reason = f"{what}; the process of the tests {ended} ({HINT})"
        decisions.append(Decision(status=Status.INCONCLUSIVE, message=reason))
    return worst(decisions), sum(seconds for _, seconds in found)
