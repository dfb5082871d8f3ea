"""All there is to say of a rule, put together once: for `amigate checks`, its JSON, and the pages in docs/rules."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from amigate.guidance import Guidance, guidance
from amigate.harden.step import all_steps
from amigate.profile import load, shipped
from amigate.topics import topic_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from amigate.check import Check
    from amigate.harden.step import Step
    from amigate.profile import Profile


@dataclass(frozen=True, kw_only=True)
class Explained:
    """A rule and what surrounds it."""

    check: Check
    topic: str
    decided: str
    """How it is decided; empty for a user's own."""
    before: str
    after: str
    asked_by: tuple[str, ...]
    """The shipped profiles that ask it, each with the severity where that is another than the rule's own."""
    step: Step | None
    """The hardening step that mends a violation."""

    def as_json(self) -> dict[str, Any]:
        """Return it as `amigate checks list --format json` shows it."""
        check = self.check
        return {
            "id": check.id,
            "topic": self.topic,
            "severity": str(check.severity),
            "title": check.title,
            "rationale": check.rationale,
            "decided": self.decided,
            "witnesses": [str(witness) for witness in check.evidence],
            "applies_when": check.applies_when,
            "settings": dict(check.settings),
            "guideline": check.guideline,
            "source": check.source,
            "profiles": [name.partition(" ")[0] for name in self.asked_by],
            "step": self.step.name if self.step else "",
            "before": self.before,
            "after": self.after,
        }


def explain(check: Check) -> Explained:
    """Return all there is to say of a rule."""
    said = guidance().get(check.id, Guidance(decided="", before="", after=""))
    return Explained(
        check=check,
        topic=topic_of(check.id),
        decided=said.decided,
        before=said.before,
        after=said.after,
        asked_by=tuple(_asked(profile, check) for profile in _profiles().values() if check.id in profile.rules),
        step=next((step for step in all_steps() if step.name == check.remedy and check.id in step.meets), None),
    )


def _asked(profile: Profile, check: Check) -> str:
    severity = profile.choice(check.id).severity
    return profile.name if severity in (None, check.severity) else f"{profile.name} ({severity})"


@cache
def _profiles() -> Mapping[str, Profile]:
    return {name: load(name) for name in shipped()}
