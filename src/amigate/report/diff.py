"""What changed between two reports, rule by rule."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from amigate.result import Status

if TYPE_CHECKING:
    from collections.abc import Sequence

    from amigate.result import Finding, Report, Result


class Kind(StrEnum):
    """What became of a rule; what deserves a look most, last."""

    BETTER = "better"
    REMOVED = "no longer a rule"
    OTHER = "changed"
    """Neither better nor worse: other findings, another reason, or another status that is as good."""
    ADDED = "new rule"
    UNKNOWN = "no longer known"
    """It was decided, and now could not be or was not asked; what was found before may still be there."""
    WORSE = "worse"


_HARM = {
    Status.PASS: 0,
    Status.NOT_APPLICABLE: 0,
    Status.WARN: 1,
    Status.WAIVED: 2,
    Status.NOT_ASKED: 3,
    Status.INCONCLUSIVE: 3,
    Status.FAIL: 4,
}
_UNKNOWN = (Status.NOT_ASKED, Status.INCONCLUSIVE)


@dataclass(frozen=True, kw_only=True)
class Change:
    """One rule that ended otherwise; at least one of `before` and `after` is there."""

    before: Result | None
    after: Result | None
    new: tuple[Finding, ...]
    """Findings that only the later report has."""
    gone: tuple[Finding, ...]
    """Findings that only the earlier report has; none where nobody looked again."""

    @property
    def result(self) -> Result:
        """The rule as it is now; as it was, where it is gone."""
        found = self.after or self.before
        assert found is not None, "one of them is there"
        return found

    @property
    def kind(self) -> Kind:
        """What became of it."""
        if self.before is None:
            return Kind.ADDED
        if self.after is None:
            return Kind.REMOVED
        if self.after.status in _UNKNOWN and self.before.status not in _UNKNOWN:
            return Kind.UNKNOWN
        before, after = _harm(self.before), _harm(self.after)
        return Kind.OTHER if before == after else Kind.WORSE if after > before else Kind.BETTER


@dataclass(frozen=True, kw_only=True)
class Diff:
    """Two reports, and the rules that ended otherwise, in the order of Kind."""

    before: Report
    after: Report
    changes: tuple[Change, ...]
    same: int
    """Number of rules that ended as before."""


def compare(before: Report, after: Report) -> Diff:
    """Return what changed from `before` to `after`.

    Findings are the same when they say the same of the same place, whoever saw it and whatever the image's id."""
    earlier = {result.id: result for result in before.results}
    later = {result.id: result for result in after.results}
    pairs = [(earlier.get(rule), later.get(rule)) for rule in {**earlier, **later}]
    changes = [_change(one, other, before.target.id, after.target.id) for one, other in pairs]
    found = [change for change in changes if change is not None]
    return Diff(
        before=before,
        after=after,
        changes=tuple(sorted(found, key=lambda c: (list(Kind).index(c.kind), c.result.severity.rank))),
        same=len(changes) - len(found),
    )


def _change(before: Result | None, after: Result | None, earlier_id: str, later_id: str) -> Change | None:
    """Return how a rule changed; None for one that did not."""
    earlier = before.findings if before else ()
    later = after.findings if after else ()
    new = _beyond(later, later_id, earlier, earlier_id)
    looked = after is None or after.status not in _UNKNOWN
    gone = _beyond(earlier, earlier_id, later, later_id) if looked else ()
    if before is None or after is None or new or gone:
        return Change(before=before, after=after, new=new, gone=gone)
    undecided = after.status is Status.INCONCLUSIVE
    same = (before.status, before.blocking) == (after.status, after.blocking)
    if same and not (undecided and before.message != after.message):
        return None
    return Change(before=before, after=after, new=(), gone=())


def _beyond(these: Sequence[Finding], this_id: str, those: Sequence[Finding], that_id: str) -> tuple[Finding, ...]:
    known = {_key(finding, that_id) for finding in those}
    return tuple(finding for finding in these if _key(finding, this_id) not in known)


def _key(finding: Finding, image: str) -> Finding:
    subject, path, detail = (text.replace(image, "") for text in (finding.subject, finding.path, finding.detail))
    return replace(finding, seen="", subject=subject, path=path, detail=detail)


def _harm(result: Result) -> tuple[bool, int]:
    return result.blocking, _HARM[result.status]
