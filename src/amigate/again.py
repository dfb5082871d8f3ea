"""Judging saved evidence again: no AWS, no credentials, no network; under the same profile, the same answers."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from amigate.errors import PartialError
from amigate.evidence.model import Launch
from amigate.judge.places import places
from amigate.judge.process import Judge
from amigate.judge.results import results
from amigate.live import Log
from amigate.own.process import OwnJudge
from amigate.plan import plan
from amigate.result import Witness
from amigate.rules import needs_of, rules_of
from amigate.run import narrowed, remediation, report_of, settings_of, unanswered, without

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from amigate.evidence.model import Evidence
    from amigate.judge.worker import Worker
    from amigate.plan import Plan
    from amigate.profile import Profile
    from amigate.result import Report, Target

NOTE = "Judged from evidence that was saved; what has changed since {0} is not in it, and it does not allow sharing."


def judge_again(
    evidence: Evidence, profile: Profile, *, witnesses: Sequence[Witness], child: Worker | None = None
) -> Report:
    """Judge saved evidence under `profile` and return the report; in `child`, where one was started before.

    A witness, launch or look that was not taken answers no rule: what needs it is inconclusive, or not asked."""
    assert evidence.target is not None, "saved evidence says what was looked at"
    target = replace(evidence.target, kind="evidence")
    log = Log(notes=[NOTE.format(evidence.collected_at)])
    planned = _as_launched(plan(rules_of(profile).values(), witnesses), evidence)
    return judge_collected(lambda: evidence, target, profile, planned, log, witnesses=witnesses, child=child)


def judge_collected(  # noqa: PLR0913 - what there is to judge, and how
    collect: Callable[[], Evidence],
    target: Target,
    profile: Profile,
    planned: Plan,
    log: Log,
    *,
    witnesses: Sequence[Witness],
    child: Worker | None = None,
) -> Report:
    """Judge what `collect` returns of `target`, under `profile`, without launching anything, and return the report.

    Audience and strictness are the profile's; receivers there are none."""
    started = time.monotonic()
    checks = rules_of(profile)
    where = {rule: places(check, witnesses, planned) for rule, check in checks.items()}
    settings = {rule: settings_of(profile, check) for rule, check in checks.items()}
    needs_of(profile)  # a setting that cannot be asked for is a wrong call here too
    own = {test.id for test in profile.own}
    with Judge(without(where, own), settings, child) as judge, OwnJudge(profile.own, where, settings) as own_judge:
        evidence = collect()
        asked = replace(evidence, witnesses=frozenset(witnesses), audience=profile.audience, receivers=frozenset())
        with log.phase("judge"):
            decisions = judge.judge(asked) | own_judge.judge(asked)
    found = results(
        profile, checks, witnesses, planned, decisions, remediation=lambda check: remediation(check, target)
    )
    log.notes += unanswered(where, decisions, judge)
    log.phases["total"] = round(time.monotonic() - started, 3)
    report = report_of(target, profile, evidence, found, None, log)
    return replace(report, witnesses=tuple(witness for witness in Witness if witness in witnesses))


def witnesses_of(
    evidence: Evidence, profile: Profile, asked: Collection[Witness] | None, *, accept_partial: bool
) -> tuple[Witness, ...]:
    """Return the witnesses to ask; raises PartialError for fewer than the profile's, unless that is accepted."""
    missing = [witness for witness in profile.evidence if witness not in evidence.witnesses]
    if missing and not accept_partial:
        raise PartialError(
            f"profile {profile.name} asks {', '.join(profile.evidence)}; the evidence was collected without "
            f"{', '.join(missing)}, so the verdict would be partial",
            hint="Collect again under that profile, or add --accept-partial; a partial verdict never allows sharing.",
        )
    chosen = narrowed(profile, asked, accept_partial=accept_partial)
    return tuple(witness for witness in chosen if witness in evidence.witnesses)


def _as_launched(planned: Plan, evidence: Evidence) -> Plan:
    """Return the plan with the launches that were made: a rule about a machine is judged on each of them.

    Another profile may ask for more of them or fewer, and for looks at another one as the last."""
    made = tuple(launch for launch in (Launch.A, Launch.B) if any(each.launch is launch for each in evidence.views))
    return replace(planned, launches=made) if planned.launches and made else planned
