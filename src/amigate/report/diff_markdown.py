"""What changed, as Markdown for a step summary or a comment: what got worse stands first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amigate.report import diff_wording, wording
from amigate.report.markdown import COMMENT_BYTES, code, fitted, plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from amigate.report.diff import Change, Diff

_FINDINGS_SHOWN = 20


def render(diff: Diff) -> str:
    """Return the comparison, short enough for a comment."""
    return fitted(list(_blocks(diff)), COMMENT_BYTES)


def _blocks(diff: Diff) -> Iterator[str]:
    yield "\n".join(
        [
            f"## {diff_wording.verdict(diff)}",
            "",
            f"- A: {diff_wording.side(diff.before, code)}",
            f"- B: {diff_wording.side(diff.after, code)}",
            *(f"- {remark}" for remark in diff_wording.remarks(diff)),
        ]
    )
    changes = diff.changes[::-1]
    reasons = diff_wording.reasons(changes)
    for change in changes:
        yield "\n".join(_lines(change, reasons.get(change.result.id, ""))).rstrip()


def _lines(change: Change, reason: str) -> Iterator[str]:
    result = change.result
    yield f"**{change.kind.upper()}** {code(result.id)} ({result.severity}) {diff_wording.statuses(change)}"
    yield ""
    if reason:
        yield f"- {plain(reason)}"
    for what, findings in (("new", change.new), ("gone", change.gone)):
        yield from (f"- {what}: {code(wording.finding(finding))}" for finding in findings[:_FINDINGS_SHOWN])
        if len(findings) > _FINDINGS_SHOWN:
            yield f"- {what}: {len(findings) - _FINDINGS_SHOWN} more"
    if change.after and (command := wording.fix(change.after)):
        yield f"- fix: {code(command)}"
