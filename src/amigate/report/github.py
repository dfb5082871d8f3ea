"""Annotations for GitHub Actions: workflow commands, which a runner takes from the log of a step.

https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands. An annotation is a line; what an
image says can neither end it nor begin another. They point at the line of the profile that asks for the rule, where
the profile is a file of the repository."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING

from amigate.report import wording
from amigate.report.escape import shown
from amigate.result import Status, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from amigate.result import Report, Result

MOST = 10
"""Annotations of one level that GitHub shows of a step
(https://github.com/actions/toolkit/blob/main/docs/problem-matchers.md#limitations)."""

_FINDINGS_SHOWN = 5
_REMARKS = (Status.FAIL, Status.INCONCLUSIVE, Status.WARN)


def render(report: Report) -> str:
    """Return the verdict as an annotation, one for each rule that blocks, and warnings for what does not."""
    level = "notice" if report.verdict is Verdict.PASS else "error"
    gravest_first = sorted(report.results, key=lambda result: -result.severity.rank)
    blocking = [result for result in gravest_first if result.blocking]
    remarks = [result for result in gravest_first if result.status in _REMARKS and not result.blocking]
    lines = [
        _command(level, wording.verdict(report), title="amigate"),
        *_rules("error", blocking, report, MOST - 1),
        *_rules("warning", remarks, report, MOST),
    ]
    return "\n".join(lines) + "\n"


def _rules(level: str, results: Sequence[Result], report: Report, most: int) -> list[str]:
    """Return an annotation for each result; where they are more than `most`, the last says how many are left out."""
    shown_ = len(results) if len(results) <= most else most - 1
    lines = [_rule(level, result, report) for result in results[:shown_]]
    if more := len(results) - shown_:
        lines.append(_command(level, f"{more} more rules; the report has all.", title="amigate"))
    return lines


def _rule(level: str, result: Result, report: Report) -> str:
    undecided = "could not be decided" if result.status is Status.INCONCLUSIVE else ""
    lines = [": ".join(filter(None, (shown(result.title), undecided, wording.reason(result))))]
    lines += [f"- {wording.finding(finding)}" for finding in result.findings[:_FINDINGS_SHOWN]]
    if (more := len(result.findings) - _FINDINGS_SHOWN) > 0:
        lines.append(f"- and {more} more")
    if command := wording.fix(result):
        lines.append(f"fix: {command}")
    place = {"file": report.profile_path, "line": str(result.profile_line or 1)} if _in_repository(report) else {}
    return _command(level, "\n".join(lines), title=f"{result.id} ({result.severity})", **place)


def _in_repository(report: Report) -> bool:
    return bool(report.profile_path) and not PurePath(report.profile_path).is_absolute()


def _command(level: str, message: str, **properties: str) -> str:
    """Return one workflow command, escaped as GitHub's own toolkit does."""
    listed = ",".join(
        f"{name}={_data(shown(value)).replace(':', '%3A').replace(',', '%2C')}" for name, value in properties.items()
    )
    return f"::{level} {listed}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
