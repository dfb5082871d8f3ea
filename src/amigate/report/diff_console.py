"""What changed, for a terminal: what got worse stands last, next to the verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amigate.report import diff_wording, wording
from amigate.report.diff import Kind
from amigate.report.escape import shown

if TYPE_CHECKING:
    from amigate.report.diff import Change, Diff

_WIDTH = max(len(kind) for kind in Kind)
_FINDINGS_SHOWN = 20


def render(diff: Diff) -> str:
    """Return the comparison as lines of text; image content is escaped."""
    lines = [f"A: {diff_wording.side(diff.before)}", f"B: {diff_wording.side(diff.after)}"]
    lines += [*diff_wording.remarks(diff), ""]
    reasons = diff_wording.reasons(diff.changes)
    for change in diff.changes:
        lines += _lines(change, reasons.get(change.result.id, ""))
    lines += [""] if diff.changes else []
    return "\n".join([*lines, f"VERDICT {diff_wording.verdict(diff)}"]) + "\n"


def _lines(change: Change, reason: str) -> list[str]:
    result, indent = change.result, " " * (_WIDTH + 2)
    head = f"{change.kind.upper():{_WIDTH}}  {shown(result.id)}  ({result.severity})  {diff_wording.statuses(change)}"
    lines = [head, *([f"{indent}{reason}"] if reason else [])]
    for sign, findings in (("-", change.gone), ("+", change.new)):
        lines += [f"{indent}{sign} {wording.finding(finding)}" for finding in findings[:_FINDINGS_SHOWN]]
        if len(findings) > _FINDINGS_SHOWN:
            lines.append(f"{indent}{sign} … and {len(findings) - _FINDINGS_SHOWN} more")
    if change.after and (command := wording.fix(change.after)):
        lines.append(f"{indent}fix: {command}")
    return lines
