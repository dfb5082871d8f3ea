"""The vocabulary of a judgement: statuses, severities, findings, results, the report."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SEAL = " --seal"
"""Ends the command of a hardening step whose rules hold after the seal alone."""


class Status(StrEnum):
    """How one rule ended. "Could not tell" is `inconclusive`, never `pass`."""

    PASS = "pass"  # noqa: S105 - a status, no password
    WARN = "warn"
    """Met, with a remark; only where the rule itself says so."""
    FAIL = "fail"
    WAIVED = "waived"
    """Violated, and the profile has a waiver in date for it."""
    NOT_APPLICABLE = "not-applicable"
    """The rule speaks of something this image does not have (`applies_when`)."""
    NOT_ASKED = "not-asked"
    """None of the rule's witnesses was asked for."""
    INCONCLUSIVE = "inconclusive"
    """Asked, but it could not be decided."""


class Severity(StrEnum):
    """How much a violation hurts whoever launches the image; ordered."""

    INFO = "info"
    """Worth knowing, and no risk to whoever launches it."""
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for info to 4 for critical."""
        return list(Severity).index(self)


class Verdict(StrEnum):
    """The answer to "may this image be shared?"."""

    PASS = "pass"  # noqa: S105 - a verdict, no password
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"


class Scope(StrEnum):
    """Whether every rule of the profile had its witnesses asked."""

    FULL = "full"
    PARTIAL = "partial"


class Witness(StrEnum):
    """Who can testify about an image."""

    EC2 = "ec2"
    """The descriptions that EC2 gives of the image, its snapshots and its account."""
    DISK = "disk"
    """The snapshot at rest, read without launching it."""
    INSTANCE = "instance"
    """A running instance, looked at from inside."""
    TWIN = "twin"
    """Two launches with different keys, compared."""
    PROBE = "probe"
    """A running instance, looked at from outside."""


@dataclass(frozen=True, kw_only=True, order=True)
class Finding:
    """One thing that violates a rule: a value to show and to count, never a secret.

    At least one of `path` and `subject` says where; `detail` says what, in words of ours."""

    subject: str = ""
    """Whom it concerns: a user, an image, a setting."""
    path: str = ""
    """Path inside the image."""
    line: int | None = None
    """Line in `path`, counted from 1."""
    detail: str
    fingerprint: str = ""
    """A public digest that tells two like findings apart, such as a key's SHA256 fingerprint."""
    seen: str = ""
    """The viewpoints that saw it, such as "A" or "A, B"; filled in by the judge."""

    @property
    def where(self) -> str:
        """The place in one phrase: `path:line`, and the subject."""
        place = f"{self.path}:{self.line}" if self.path and self.line else self.path
        return f"{place} ({self.subject})" if place and self.subject else place or self.subject


@dataclass(frozen=True, kw_only=True)
class Result:
    """How one rule of the profile ended, with all that a reader needs to act."""

    id: str
    status: Status
    severity: Severity
    blocking: bool
    """Whether this result, as it is, keeps the image from being shared."""
    title: str
    guideline: str
    source: str
    witness: tuple[Witness, ...]
    """The witnesses that were asked."""
    message: str
    """Why, in one sentence; empty for a plain pass."""
    findings: tuple[Finding, ...] = ()
    remediation: str = ""
    """The command or change that would mend it; empty when nothing is to mend."""
    step: str = ""
    """The hardening step that mends it, where there is one."""
    duration_s: float = 0.0
    rationale: str = ""
    """Why it is required, in a few sentences; empty where the rule does not say."""
    profile_line: int | None = None
    """Line of the profile's file that asks for the rule, counted from 1."""


@dataclass(frozen=True, kw_only=True)
class Phase:
    """Something that a run did, and when; phases overlap where a run did several things at a time."""

    name: str
    """Such as `judge`, or `A login` for the login to launch A."""
    started_s: float
    """Seconds since the run began."""
    duration_s: float


@dataclass(frozen=True, kw_only=True)
class Target:
    """What was judged."""

    kind: str
    """`ami`; `file` for a disk image; `directory`; `evidence` for what was judged from saved evidence."""
    id: str
    name: str = ""
    endpoint: str = ""
    """The EC2 endpoint when it is not AWS's own."""
    partition: str = ""
    account: str = ""
    region: str = ""
    snapshots: tuple[str, ...] = ()
    sandbox: bool = False
    """The endpoint is on this machine: whatever the verdict, no AWS image was looked at."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """The whole judgement; every report format is a pure function of it."""

    target: Target
    audience: str
    profile: str
    profile_digest: str
    profile_path: str = ""
    """The profile's file, relative to the repository that it stands in; absolute outside of any."""
    witnesses: tuple[Witness, ...]
    """The witnesses that were asked."""
    collected_at: str
    """When the last evidence was collected, RFC 3339 in UTC."""
    evidence_digest: str
    results: tuple[Result, ...]
    notes: tuple[str, ...] = ()
    """What a reader must know beside the results, such as what was not inspected."""
    console: Mapping[str, str] = field(default_factory=dict)
    """Tail of the serial console per launch that could not be used, escaped."""
    timings: Mapping[str, float] = field(default_factory=dict)
    """Seconds per phase."""
    timeline: tuple[Phase, ...] = ()
    """The same phases with when they began, in that order; one that came twice stands there twice."""
    cost: Mapping[str, float] = field(default_factory=dict)
    """What the run used of AWS, such as `instance_seconds`."""
    tool: str = ""

    @property
    def verdict(self) -> Verdict:
        """Any blocking fail → fail; else any blocking inconclusive → inconclusive; else pass."""
        return verdict(self.results)

    @property
    def scope(self) -> Scope:
        """`full` when no rule was left unasked."""
        asked = self.results and all(r.status is not Status.NOT_ASKED for r in self.results)
        return Scope.FULL if asked else Scope.PARTIAL

    @property
    def may_share(self) -> bool:
        """Whether the image may be shared: a pass at full scope of the image itself, nothing less."""
        is_now = self.target.kind == "ami"  # saved evidence tells what was
        return is_now and self.verdict is Verdict.PASS and self.scope is Scope.FULL

    @property
    def counts(self) -> dict[Status, int]:
        """Number of results per status, every status named."""
        counted = Counter(result.status for result in self.results)
        return {status: counted[status] for status in Status}


def verdict(results: Iterable[Result]) -> Verdict:
    """Combine results; no results at all decide nothing."""
    results = tuple(results)
    blocking = {result.status for result in results if result.blocking}
    if Status.FAIL in blocking:
        return Verdict.FAIL
    if Status.INCONCLUSIVE in blocking or not results:
        return Verdict.INCONCLUSIVE
    return Verdict.PASS
