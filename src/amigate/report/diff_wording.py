"""What both forms of a comparison say in the same words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amigate.report.diff import Kind
from amigate.report.escape import shown
from amigate.result import Status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from amigate.report.diff import Change, Diff
    from amigate.result import Report


def verdict(diff: Diff) -> str:
    """Return the last word: the verdicts, and how many rules went which way."""
    before, after = diff.before, diff.after
    kinds = [change.kind for change in diff.changes]
    parts = [f"{kinds.count(kind)} {kind}" for kind in Kind if kind in kinds]
    told = ", ".join([*parts, f"{diff.same} as before"]) if parts else "nothing changed"
    if (before.verdict, before.scope) == (after.verdict, after.scope):
        return f"{_verdict(after)}, as before: {told}"
    return f"{_verdict(before)} → {_verdict(after)}: {told}"


def side(report: Report, quoted: Callable[[str], str] = shown) -> str:
    """Return what was looked at, and when."""
    name = f" {quoted(report.target.name)}" if report.target.name else ""
    profile = f"profile {quoted(report.profile)}, looked at {quoted(report.collected_at)}"
    return f"{quoted(report.target.id)}{name}, {profile}: {_verdict(report)}"


def remarks(diff: Diff) -> Iterator[str]:
    """Yield what a reader must know before comparing."""
    if diff.before.evidence_digest == diff.after.evidence_digest:
        yield "Both judge the same evidence."
    if diff.before.profile_digest != diff.after.profile_digest:
        yield "Their profiles differ: what changed may be what is asked, and not the image."
    if set(diff.before.witnesses) != set(diff.after.witnesses):
        asked = (", ".join(report.witnesses) for report in (diff.before, diff.after))
        yield "Other witnesses were asked: {} → {}.".format(*asked)
    if diff.before.target.sandbox or diff.after.target.sandbox:
        yield "SANDBOX: no AWS account was looked at."


def reasons(changes: Sequence[Change]) -> dict[str, str]:
    """Return, by rule, why it could not be decided now; a reason that was told already is told as such."""
    found: dict[str, str] = {}
    told: set[str] = set()
    for change in changes:
        after = change.after
        if after is not None and after.status is Status.INCONCLUSIVE and after.message:
            found[after.id] = "for a reason that is told above" if after.message in told else shown(after.message)
            told.add(after.message)
    return found


def statuses(change: Change) -> str:
    """Return a rule's status, before and after."""
    before = change.before.status if change.before else "not there"
    after = change.after.status if change.after else "not there"
    return str(after) if before == after else f"{before} → {after}"


def _verdict(report: Report) -> str:
    return f"{report.verdict.upper()} ({report.scope})"
