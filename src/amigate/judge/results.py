"""From decisions to results: every rule of the profile ends with exactly one status."""

from __future__ import annotations

import datetime
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from amigate.judge.decide import Decision, worst
from amigate.judge.places import Place, places
from amigate.plan import asked_of
from amigate.result import Finding, Result, Status, Witness

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from amigate.check import Check
    from amigate.plan import Plan
    from amigate.profile import Profile, Waiver

LIVE = frozenset({Witness.INSTANCE, Witness.TWIN, Witness.PROBE})
"""Witnesses that are running machines."""
Decisions = dict[tuple[str, Place], tuple[Decision, float]]


def results(  # noqa: PLR0913 - what a result depends on
    profile: Profile,
    checks: Mapping[str, Check],
    asked: Collection[Witness],
    planned: Plan,
    decisions: Decisions,
    *,
    remediation: Callable[[Check], str] = lambda _: "",
    today: datetime.date | None = None,
) -> tuple[Result, ...]:
    """Return one result for each of `checks`, the profile's; an answer that is missing is inconclusive."""
    found = []
    for rule, check in checks.items():
        severity = profile.choice(rule).severity or check.severity
        expected = places(check, asked, planned)
        waivers = [waiver for waiver in profile.waivers if waiver.rule == rule]
        tells = [each for each in expected if not (LIVE & {*check.evidence} and _only_live(rule, each, decisions))]
        decision = _combine(rule, tells, decisions, partial(_waive, waivers=waivers, today=today))
        if expected and not tells:
            decision = replace(decision, message="only a running machine can tell, and none was asked")
        hurts = decision.status in (Status.FAIL, Status.INCONCLUSIVE)
        found.append(
            Result(
                id=rule,
                status=decision.status,
                severity=severity,
                blocking=hurts and profile.blocks(severity),
                title=check.title,
                guideline=check.guideline,
                source=check.source,
                witness=asked_of(check, asked),
                message=decision.message,
                findings=decision.findings,
                remediation=remediation(check) if decision.status is Status.FAIL else "",
                step=check.remedy if check.remedy != "none" else "",
                duration_s=sum(decisions[rule, place][1] for place in expected if (rule, place) in decisions),
                rationale=check.rationale,
                profile_line=profile.line(rule),
            )
        )
    return tuple(found)


def _combine(
    rule: str, expected: Sequence[Place], decisions: Decisions, waive: Callable[[Decision], Decision]
) -> Decision:
    """Combine the judgements of one rule; one that is missing could not be decided.

    Each is waived by itself: a waiver of what one launch shows says nothing of another that could not be looked at.
    """
    if not expected:
        return Decision(status=Status.NOT_ASKED, message="none of its witnesses was asked")
    missing = Decision(status=Status.INCONCLUSIVE, message="the judge gave no answer")
    found = []
    for place in expected:
        decision = decisions.get((rule, place), (missing, 0.0))[0]
        seen = str(place.launch or (place.witness if place.witness is Witness.DISK else ""))
        found.append(waive(replace(decision, findings=tuple(_seen(each, seen) for each in decision.findings))))
    return worst(found)


def _only_live(rule: str, place: Place, decisions: Decisions) -> bool:
    """Whether the place is a disk at rest that is no witness of the rule, as only a running machine can tell."""
    answer = decisions.get((rule, place))
    return answer is not None and answer[0].only_live and place.witness is Witness.DISK


def _seen(finding: Finding, launch: str) -> Finding:
    return finding if finding.seen else replace(finding, seen=launch)


def _waive(decision: Decision, waivers: Collection[Waiver], today: datetime.date | None) -> Decision:
    """Turn a fail all of whose findings are accepted into waived; say where a waiver has run out."""
    if decision.status is not Status.FAIL or not waivers:
        return decision
    day = today or datetime.datetime.now(datetime.UTC).date()
    valid = [waiver for waiver in waivers if waiver.holds(day)]
    findings = decision.findings or (Finding(detail=""),)
    if valid and all(any(w.covers(each.subject, each.path) for w in valid) for each in findings):
        accepted = "; ".join(f"waived by {w.owner} until {w.expires}: {w.reason}" for w in valid)
        return replace(decision, status=Status.WAIVED, message=accepted)
    expired = [f"the waiver of {w.owner} expired on {w.expires}" for w in waivers if w not in valid]
    return replace(decision, message="; ".join([decision.message, *expired]))
