"""What a check declares about itself, and the words in which it answers.

A check is a plain pytest-testinfra test. It passes by returning, fails by `assert not findings`, and has
three more answers: `not_applicable(reason)`, `inconclusive(reason)` and `warn(findings)`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from inspect import signature
from typing import Any, NoReturn, TypeVar

from amigate.result import Finding, Severity, Witness

Settings = Mapping[str, Any]
"""A check's own settings: the profile's values over the defaults in its decorator."""

Function = TypeVar("Function", bound=Callable[..., None])
ATTRIBUTE = "__amigate_check__"
OWN = "own"
"""The guideline of a user's own test that names none."""


class Look(StrEnum):
    """What a rule needs looked at beyond two launches with a login each; the run is planned from it."""

    STATUS = "status"
    """The status checks of every launch."""
    STRANGER = "stranger"
    """What a launch offers somebody without credentials, once its inside was collected."""
    REBOOT = "reboot"
    """A launch after it was rebooted, which is the last thing that is done to it."""
    CONSOLE = "console"
    """What the serial console of every launch says."""
    KEYLESS = "keyless"
    """One more launch, without a key pair and without user data, seen from outside."""


class Ask(StrEnum):
    """What a rule needs AWS asked beyond the image, its snapshots and its launch permissions.

    What no rule of a profile asks for is not asked, so a caller needs no permission for it."""

    KEYS = "key"
    """What the keys of encrypted snapshots are (KMS)."""
    KEY_POLICIES = "key policy"
    """Who may use those keys: their policies and grants (KMS)."""
    SNAPSHOT_PERMISSIONS = "snapshot permissions"
    """Who may make volumes of each snapshot."""
    PUBLIC_ACCESS = "block public access"
    """Whether images of the account may become public in the region."""
    PUBLIC_IMAGES = "public images"
    """Which images of the account are public in the region, and what lies in its Recycle Bin."""
    PUBLIC_QUOTA = "quota of public images"
    SHARING_QUOTA = "quota of sharing"
    ENCRYPTION_BY_DEFAULT = "encryption by default"
    ANCESTRY = "ancestry"
    """The images that it was made from, with who owns them."""
    VULNERABILITIES = "vulnerabilities"
    """What Amazon Inspector found in it, or how its scan ended."""
    MALWARE = "malware scan"
    """How the last scan of it by GuardDuty ended."""


@dataclass(frozen=True, kw_only=True)
class Check:
    """One requirement that an image must meet: a rule and how to ask it."""

    id: str
    """Reads as the requirement met; never changes."""
    severity: Severity
    guideline: str
    source: str
    """Link to where the requirement comes from; empty for a user's own that names none."""
    evidence: tuple[Witness, ...]
    """The witnesses that can answer; the rule is judged on each that was asked, the worst answer counts."""
    remedy: str
    """The hardening step that mends a violation, or "none"."""
    applies_when: str
    """Which images the rule speaks of, in words; empty for all."""
    preflight: bool
    """Launching an image that violates this is pointless."""
    looks: frozenset[Look] = frozenset()
    asks: frozenset[Ask] = frozenset()
    digests_of: str = ""
    """The setting that names files of the image, paths or patterns, of which each launch is asked a digest."""
    facts: frozenset[str] = frozenset()
    """The names of what it asks for: facts, and fixtures of pytest's."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Defaults that a profile may override."""
    title: str
    rationale: str

    def __post_init__(self) -> None:
        if self.source and not self.source.startswith("https://"):
            raise ValueError(f"{self.id}: source must be an https link, not {self.source!r}")
        if not self.evidence:
            raise ValueError(f"{self.id}: names no witness")
        if self.digests_of and self.digests_of not in self.settings:
            raise ValueError(f"{self.id}: has no setting {self.digests_of}")


def check(  # noqa: PLR0913 - one keyword per thing a rule declares
    id: str,  # noqa: A002 - the field's own word
    *,
    severity: str = Severity.HIGH,
    guideline: str = OWN,
    source: str = "",
    evidence: Sequence[str] = (Witness.INSTANCE,),
    remedy: str = "none",
    applies_when: str = "",
    preflight: bool = False,
    looks: Sequence[str] = (),
    asks: Sequence[str] = (),
    digests_of: str = "",
    **settings: object,
) -> Callable[[Function], Function]:
    """Mark a test function as a check; title and rationale are its docstring.

    A shipped check leaves nothing of severity, guideline, source and evidence to the defaults, which are a user's.
    Raises ValueError at import for an unknown severity, witness, look or ask, a source that is no link or a missing
    docstring."""

    def mark(function: Function) -> Function:
        title, _, rationale = (function.__doc__ or "").strip().partition("\n")
        if not title:
            raise ValueError(f"{id}: the docstring must say what is required")
        declared = Check(
            id=id,
            severity=Severity(severity),
            guideline=guideline,
            source=source,
            evidence=tuple(Witness(name) for name in evidence),
            remedy=remedy,
            applies_when=applies_when,
            preflight=preflight,
            looks=frozenset(Look(name) for name in looks),
            asks=frozenset(Ask(name) for name in asks),
            digests_of=digests_of,
            facts=frozenset(signature(function).parameters),
            settings=settings,
            title=title.rstrip("."),
            rationale=" ".join(rationale.split()),
        )
        setattr(function, ATTRIBUTE, declared)
        return function

    return mark


def check_of(function: object) -> Check | None:
    """Return what `@check` declared on `function`, None on any other function."""
    declared = getattr(function, ATTRIBUTE, None)
    return declared if isinstance(declared, Check) else None


class AnswerError(Exception):
    """A check's answer other than pass and fail; raised, so that it ends the check."""


class NotApplicableError(AnswerError):
    """The rule does not speak of this image."""


class InconclusiveError(AnswerError):
    """The question was asked and cannot be decided; the text says why, without secrets."""


class OnlyLiveError(InconclusiveError):
    """Only a running machine can tell, and this was none: where one was asked, its answer alone counts."""


class WarnError(AnswerError):
    """The rule is met, with remarks."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__("met, with a remark")
        self.findings = tuple(findings)


def not_applicable(reason: str) -> NoReturn:
    """End the check: the rule does not speak of this image, because of `reason`."""
    raise NotApplicableError(reason)


def inconclusive(reason: str) -> NoReturn:
    """End the check: it could not be decided, because of `reason`."""
    raise InconclusiveError(reason)


def warn(findings: Sequence[Finding]) -> None:
    """End the check with remarks, if there are any; only for rules whose text says "warns"."""
    if findings:
        raise WarnError(findings)
