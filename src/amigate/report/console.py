"""The report for a terminal: what failed stands last, next to the verdict."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from amigate.report import wording
from amigate.report.escape import no_command, printable, shown
from amigate.result import Status, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from amigate.result import Report, Result

ORDER = (
    Status.PASS,
    Status.NOT_APPLICABLE,
    Status.NOT_ASKED,
    Status.WAIVED,
    Status.WARN,
    Status.INCONCLUSIVE,
    Status.FAIL,
)
_STYLES = {
    Status.PASS: "32",
    Status.WARN: "33",
    Status.WAIVED: "33",
    Status.INCONCLUSIVE: "1;35",
    Status.FAIL: "1;31",
}
_WIDTH = max(len(status) for status in Status)
_FINDINGS_SHOWN = 20
_SHARED = 3
"""A reason that so many undecided rules have is told once, below them."""


def render(report: Report, *, color: bool = False, narrow: bool = False) -> str:
    """Return the report as lines of text, with ANSI colours if asked for; image content is escaped.

    Nothing is wrapped, so that what is copied or searched for is whole; `narrow` indents little."""
    results = sorted(report.results, key=lambda result: (ORDER.index(result.status), result.severity.rank))
    lines = [*_head(report), ""]
    shared = _shared_reasons(results)
    for result in results:
        lines += _lines(result, shared, 0 if narrow else _WIDTH, color=color)
    for number, reason in enumerate(shared, 1):
        lines += ["", f"Reason {number}, of {shared[reason]} rules: {shown(reason)}"]
    for launch, tail in report.console.items():
        lines += ["", f"Last lines of the serial console of launch {printable(launch)}:"]
        lines += [f"    {printable(line)}" for line in tail.splitlines()]
    lines += ["", *(f"Note: {shown(note)}" for note in report.notes)]
    counts = " · ".join(f"{number} {status}" for status, number in report.counts.items() if number)
    lines += [*_fixes(report), counts, _verdict(report, color=color)]
    return "\n".join(no_command(line) for line in lines) + "\n"


def _head(report: Report) -> list[str]:
    target = report.target
    name = f' "{shown(target.name)}"' if target.name else ""
    return [
        *([wording.SANDBOX] if target.sandbox else []),
        f"{shown(target.id)}{name} {wording.target(target)}",
        f"profile {shown(report.profile)}, for {report.audience}; asked: {', '.join(report.witnesses)}",
    ]


def _shared_reasons(results: Sequence[Result]) -> dict[str, int]:
    """Return the messages that many undecided rules have in common, with their number: each is told once."""
    undecided = Counter(result.message for result in results if result.status is Status.INCONCLUSIVE and result.message)
    return {message: number for message, number in undecided.items() if number >= _SHARED}


def _lines(result: Result, shared: Mapping[str, int], width: int, *, color: bool) -> list[str]:
    status = _paint(result.status.upper().ljust(width), _STYLES.get(result.status, ""), on=color)
    blocking = "" if result.blocking or result.status not in _BAD else ", does not block"
    lines = [f"{status}  {shown(result.id)}  ({result.severity}{blocking})"]
    if result.status is Status.PASS:
        return lines
    indent = " " * (width + 2)
    lines[0] += f"  {shown(result.title)}" if result.status in _BAD else ""
    if said := wording.reason(result):
        known = result.status is Status.INCONCLUSIVE and result.message in shared
        lines.append(f"{indent}{_reference(result, shared) if known else said}")
    lines += [f"{indent}- {wording.finding(finding)}" for finding in result.findings[:_FINDINGS_SHOWN]]
    if len(result.findings) > _FINDINGS_SHOWN:
        lines.append(f"{indent}… and {len(result.findings) - _FINDINGS_SHOWN} more; the JSON report has all")
    if command := wording.fix(result):
        lines.append(f"{indent}fix: {command}")
    return lines


def _reference(result: Result, shared: Mapping[str, int]) -> str:
    return f"reason {list(shared).index(result.message) + 1}, below"


def _fixes(report: Report) -> list[str]:
    lines = [line for what, command in wording.fixes(report) for line in (what, f"    {command}")]
    return [*lines, ""] if lines else []


_BAD = (Status.FAIL, Status.INCONCLUSIVE)
_VERDICTS = {Verdict.FAIL: "1;31", Verdict.INCONCLUSIVE: "1;35", Verdict.PASS: "32"}


def _verdict(report: Report, *, color: bool) -> str:
    style = "1;32" if report.may_share else _VERDICTS[report.verdict]
    return _paint(f"VERDICT {wording.verdict(report)}", style, on=color)


def _paint(text: str, style: str, *, on: bool) -> str:
    return f"\x1b[{style}m{text}\x1b[0m" if on and style else text
