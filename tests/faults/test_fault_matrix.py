"""Whatever EC2 does to any one call of a run, the run decides honestly and leaves nothing."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from amigate.errors import AwsError, RemovalError
from amigate.result import Status, Verdict
from amigate.sandbox.fault import Error, Fault

if TYPE_CHECKING:
    from tests.faults.conftest import Bed

    from amigate.result import Report

FAULTS: dict[str, dict[str, Any]] = {
    "throttled": {"error": Error("RequestLimitExceeded")},
    "internal error": {"error": Error("InternalError")},
    "answer lost": {"drop": "after"},
    "denied": {"error": Error("UnauthorizedOperation")},
}
HEALED = {"throttled", "internal error", "answer lost"}
"""What botocore and amigate get over, when it happens once."""
MOST_CALLS = 200


def one(bed: Bed, kind: str, number: int) -> str:
    """Run once with a fault at the call of that number; return what became of it, "" when no call was hit."""
    with bed.sandbox.faults.add(Fault(nth=number, **FAULTS[kind])) as fault:
        report, error = None, None
        launched = len(bed.sandbox.calls.matching("RunInstances"))
        try:
            report = bed.validate()
        except RemovalError as raised:
            report, error = raised.report, raised
        except AwsError:  # the image could not be described
            assert len(bed.sandbox.calls.matching("RunInstances")) == launched
    if not fault.fired:
        return ""
    if bed.left():  # only a refusal that is final may leave something, and it says what and how to remove it
        assert kind == "denied"
        assert error is not None
        assert "could not remove" in str(error)
        assert error.hint
        bed.reap()
    assert bed.left() == []
    if report is None:
        assert kind == "denied"
        return "refused"
    return _judged(report, kind)


def _judged(report: Report, kind: str) -> str:
    statuses = {result.status for result in report.results}
    if kind in HEALED:
        assert report.verdict is Verdict.PASS, [r for r in report.results if r.blocking]
        return "pass"
    assert statuses <= {Status.PASS, Status.NOT_APPLICABLE, Status.INCONCLUSIVE}
    return str(report.verdict)


def matrix(bed: Bed, kind: str, *, first: int = 1, step: int = 1) -> Counter[str]:
    """Hit each call in turn, from the `first` on every `step`-th; return what became of the runs."""
    became: Counter[str] = Counter()
    for number in range(first, MOST_CALLS, step):
        outcome = one(bed, kind, number)
        if not outcome:
            break
        became[f"{kind}: {outcome}"] += 1
    print(f"{became.total()} calls tried: {dict(became)}; resources left: {len(bed.left())}")  # noqa: T201 - the matrix
    return became


@pytest.mark.parametrize("kind", FAULTS)
def test_a_fault_at_any_call_is_survived(bed: Bed, kind: str) -> None:
    """Every call is hit by one kind or another."""
    became = matrix(bed, kind, first=1 + list(FAULTS).index(kind), step=len(FAULTS))
    assert 5 < became.total() < MOST_CALLS // len(FAULTS) - 1
    assert bed.left() == []


@pytest.mark.slow
@pytest.mark.parametrize("kind", FAULTS)
def test_every_fault_at_every_call_is_survived(bed: Bed, kind: str) -> None:
    became = matrix(bed, kind)
    assert 20 < became.total() < MOST_CALLS - 1
    assert bed.left() == []
