"""The run: from a target to a report, with what was launched for it removed again."""

from __future__ import annotations

import datetime
import time
from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING

from amigate import __version__
from amigate.errors import PartialError, UsageError
from amigate.evidence import saved
from amigate.evidence.model import DISK, Evidence, Outcome, View
from amigate.judge.places import places
from amigate.judge.process import Judge
from amigate.judge.results import Decisions, results
from amigate.live import Log, Options, observe_image
from amigate.own.process import OwnJudge
from amigate.own.record import Recorder
from amigate.plan import asks, plan
from amigate.result import SEAL, Report, Status, Target, Witness
from amigate.rules import needs_of, rules_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from contextlib import AbstractContextManager

    from amigate.check import Check
    from amigate.judge.places import Place
    from amigate.plan import Plan
    from amigate.profile import Profile
    from amigate.result import Result
    from amigate.sources.aws import Aws
    from amigate.sources.disk_reading import DiskReading
    from amigate.sources.disks import AtRest
    from amigate.sources.instance import Observation

NOT_LAUNCHED = "not launched, because the image cannot be shared as EC2 describes it"
NOT_READ = "the disk at rest was not read, because the image cannot be shared as EC2 describes it, or has no snapshot"
UNREAD_DISK = (
    "The disk at rest was not inspected: keys, secrets and leftovers in the snapshot, deleted files among them, "
    "that a running instance does not show are not covered by this verdict."
)


def validate(  # noqa: PLR0913 - the choices a caller has
    aws: Aws,
    ami_id: str,
    profile: Profile,
    *,
    witnesses: Sequence[Witness] | None = None,
    options: Options | None = None,
    receivers: Collection[str] = (),
    progress: Callable[[str], None] = lambda _: None,
    collected: Callable[[Evidence], None] = lambda _: None,
) -> Report:
    """Judge `ami_id` under `profile` and return the report; nothing that was launched stays behind.

    `witnesses` are those to ask, by default all of the profile's; `receivers` those with whom the image is to be
    shared: account ids, ARNs of organizations and their units, `all`. `collected` is handed all that was collected,
    before it is judged. What the image does, and what AWS does not let us see of it, is in the report. Raises
    AmigateError when the image cannot be looked at at all, RemovalError, with the report, when something that was
    launched may still be there."""
    from amigate.sources.ec2 import describe  # noqa: PLC0415 - AWS only when it is asked

    checks = rules_of(profile)
    witnesses = tuple(profile.evidence if witnesses is None else witnesses)
    planned = plan(checks.values(), witnesses)
    where = {rule: places(check, witnesses, planned) for rule, check in checks.items()}
    settings = {rule: settings_of(profile, check) for rule, check in checks.items()}
    needs_of(profile)  # or it is found wrong only once something was launched
    own = {test.id for test in profile.own}
    first = {r: found for r, found in where.items() if checks[r].evidence == (Witness.EC2,) and r not in own}
    log = Log()
    started = time.monotonic()
    with (
        Judge(first, settings) as preflight,
        Judge(without(where, {*first, *own}), settings) as judge,
        OwnJudge(profile.own, where, settings) as own_judge,
    ):
        with log.phase("describe"):
            target, ec2 = describe(aws, ami_id, asks(checks.values(), witnesses))
        evidence = Evidence(
            witnesses=frozenset(witnesses),
            collected_at=_now(),
            target=target,
            ec2=ec2,
            audience=profile.audience,
            receivers=frozenset(receivers),
        )
        with log.phase("preflight"):
            decisions: Decisions = preflight.judge(evidence)
        stop = _hopeless(decisions, checks)
        if stop:
            progress(f"{ami_id} is {NOT_LAUNCHED}")
        seen = at_rest = None
        if not stop:
            with (
                _reading(aws, target, witnesses, progress) as reading,
                Recorder(profile.own, where, settings, evidence) as recorder,
            ):
                further = recorder.record if profile.own else None
                seen = observe_image(aws, ec2, planned, profile, options or Options(), log, progress, further)
                if reading is not None:
                    with log.phase("wait for the disk at rest"):
                        at_rest = reading.result()
                    log.notes += at_rest.notes
                    log.cost |= reading.budget.spent
                    if reading.span is not None:
                        log.span("read the disk at rest", *reading.span)
        evidence = _with_views(evidence, seen, planned, at_rest)
        collected(evidence)
        with log.phase("judge"):
            decisions |= judge.judge(evidence) | own_judge.judge(evidence)
    found = results(
        profile, checks, witnesses, planned, decisions, remediation=lambda check: remediation(check, target)
    )
    log.notes += unanswered(where, decisions, judge)
    log.phases["total"] = round(time.monotonic() - started, 3)
    if seen is not None:
        log.phases["until the last witness was ready"] = round(seen.ready_at - started, 3)
        for span in seen.spans:
            log.span(*span)
    report = report_of(target, profile, evidence, found, seen, log)
    if log.left is not None:
        log.left.report = report
        raise log.left
    return report


def settings_of(profile: Profile, check: Check) -> Mapping[str, object]:
    """Return what the profile sets of the rule; raises UsageError for a setting that the rule does not have."""
    chosen = profile.choice(check.id).settings
    if unknown := sorted(chosen.keys() - check.settings.keys()):
        raise UsageError(
            f"profile {profile.name}: {check.id} has no setting {', '.join(unknown)}",
            hint=f"It has {', '.join(check.settings) or 'none'}: `amigate checks show {check.id}`.",
        )
    return chosen


def unanswered(where: Mapping[str, tuple[Place, ...]], decisions: Decisions, judge: Judge) -> list[str]:
    """Return a note when the judge's process did not answer everything."""
    if all((rule, place) in decisions for rule, expected in where.items() for place in expected):
        return []
    return [f"The judge's process {judge.ended}: what it had not answered is inconclusive."]


def without(where: Mapping[str, tuple[Place, ...]], other: Collection[str]) -> dict[str, tuple[Place, ...]]:
    """Return `where` without the `other` rules."""
    return {rule: found for rule, found in where.items() if rule not in other}


def narrowed(profile: Profile, asked: Collection[Witness] | None, *, accept_partial: bool) -> tuple[Witness, ...]:
    """Return the witnesses to ask; raises PartialError for fewer than the profile's, unless that is accepted."""
    if asked is None:
        return profile.evidence
    missing = [witness for witness in profile.evidence if witness not in asked]
    if missing and not accept_partial:
        raise PartialError(
            f"profile {profile.name} asks {', '.join(profile.evidence)}; without {', '.join(missing)} "
            "the verdict would be partial",
            hint="Leave out --evidence, or add --accept-partial; a partial verdict never allows sharing.",
        )
    return tuple(witness for witness in profile.evidence if witness in asked)


def _hopeless(decisions: Decisions, checks: Mapping[str, Check]) -> bool:
    """Whether a rule is violated that makes launching the image pointless."""
    return any(
        checks[rule].preflight and decision.status is Status.FAIL for (rule, _), (decision, _) in decisions.items()
    )


def _reading(
    aws: Aws, target: Target, witnesses: Sequence[Witness], progress: Callable[[str], None]
) -> AbstractContextManager[DiskReading | None]:
    """Begin to read the disk at rest, where it is asked and there is one."""
    if Witness.DISK not in witnesses or not target.snapshots:
        return nullcontext()
    from amigate.sources.disk_reading import DiskReading  # noqa: PLC0415 - only where the disk is asked

    return DiskReading(aws, target.snapshots, progress)


def _with_views(evidence: Evidence, seen: Observation | None, planned: Plan, at_rest: AtRest | None) -> Evidence:
    if seen is None:
        views = {viewpoint: View(broken=NOT_LAUNCHED) for viewpoint in planned.viewpoints()}
    else:
        views = dict(seen.views)
    if Witness.DISK in evidence.witnesses:
        views[DISK] = at_rest.view if at_rest is not None else View(broken=NOT_READ)
    return replace(evidence, views=views, collected_at=_now())


def remediation(check: Check, target: Target) -> str:
    """Return the commands that mend a violation; an image itself cannot be changed, so a new one is made."""
    from amigate.harden.step import all_steps  # noqa: PLC0415 - only for what failed

    step = next((step for step in all_steps() if step.name == check.remedy and check.id in step.meets), None)
    if step is None:
        return ""
    bake = f"amigate bake --from {target.id} --name NEW-NAME, or " if target.account else ""
    seal = SEAL if step.needs_seal else ""
    return f"{bake}on the builder: amigate harden ssh://USER@HOST --only {check.remedy}{seal}"


def report_of(  # noqa: PLR0913, PLR0917 - the report's own parts
    target: Target,
    profile: Profile,
    evidence: Evidence,
    found: tuple[Result, ...],
    seen: Observation | None,
    log: Log,
) -> Report:
    """Put a report together; its digest is that of what was collected, whatever it was judged for."""
    return Report(
        target=target,
        audience=profile.audience,
        profile=profile.name,
        profile_digest=profile.digest,
        profile_path=profile.path,
        witnesses=tuple(witness for witness in Witness if witness in evidence.witnesses),
        collected_at=evidence.collected_at,
        evidence_digest=saved.digest(evidence),
        results=found,
        notes=(*_notes(profile, evidence, found), *log.notes),
        console=seen.consoles if seen else {},
        timings={**log.phases, **(seen.timings if seen else {})},
        timeline=tuple(sorted(log.timeline, key=lambda phase: phase.started_s)),
        cost={**log.cost, **({"instance_seconds": round(seen.instance_seconds, 1)} if seen else {})},
        tool=f"amigate {__version__}",
    )


def _notes(profile: Profile, evidence: Evidence, found: Sequence[Result]) -> list[str]:
    """Return what a reader must know beside the results."""
    from amigate.facts.reconciled import host_keys  # noqa: PLC0415 - facts are slow to import

    notes = host_keys(evidence)
    if Witness.DISK not in evidence.witnesses and any(
        Witness.DISK in check.evidence for check in rules_of(profile).values()
    ):
        notes.append(UNREAD_DISK)
    for viewpoint, view in sorted(evidence.views.items(), key=lambda item: str(item[0])):
        contact = view.contact
        if contact is None or contact.outcome is not Outcome.ACCEPTED:
            continue
        if contact.host_key and contact.host_key_on_console is None:
            notes.append(
                f"Launch {viewpoint.launch}: the console published no host keys, "
                "so the machine that answered could not be told from another in its place."
            )
    met = {result.id for result in found if result.status is Status.PASS}
    expired = profile.expired().values()
    notes += [f"The waiver of {w.owner} for {w.rule} expired on {w.expires}." for w in expired]
    valid = (waiver for waiver in profile.waivers if waiver not in expired)
    notes += [f"The waiver of {w.owner} for {w.rule} is no longer needed." for w in valid if w.rule in met]
    return notes


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
