"""The report for a terminal: what failed stands last, next to the verdict."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from amigate.report.escape import printable
from amigate.result import Scope, Status, Verdict

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


def render(report: Report, *, color: bool = False) -> str:
    """Return the report as lines of text, with ANSI colours if asked for; image content is escaped."""
    results = sorted(report.results, key=lambda result: (ORDER.index(result.status), result.severity.rank))
    lines = [*_head(report), ""]
    shared = _shared_reasons(results)
    for result in results:
        lines += _lines(result, shared, color=color)
    for number, reason in enumerate(shared, 1):
        lines += ["", f"Reason {number}, of {shared[reason]} rules: {printable(reason)}"]
    for launch, tail in report.console.items():
        lines += ["", f"Last lines of the serial console of launch {printable(launch)}:"]
        lines += [f"    {printable(line)}" for line in tail.splitlines()]
    lines += ["", *(f"Note: {printable(note)}" for note in report.notes)]
    counts = " · ".join(f"{number} {status}" for status, number in report.counts.items() if number)
    return "\n".join([*lines, *_fixes(report), counts, *_verdict(report, color=color)]) + "\n"


_KINDS = {"file": "(a disk image)", "directory": "(a directory)"}


def _head(report: Report) -> list[str]:
    target = report.target
    banner = ["SANDBOX: this endpoint is on this machine; no AWS account was looked at."] if target.sandbox else []
    name = f' "{printable(target.name)}"' if target.name else ""
    where = _KINDS.get(target.kind) or f"in {target.region}, owned by {printable(target.account)}"
    return [
        *banner,
        f"{printable(target.id)}{name} {where}",
        f"profile {report.profile}, for {report.audience}; asked: {', '.join(report.witnesses)}",
    ]


def _shared_reasons(results: Sequence[Result]) -> dict[str, int]:
    """Return the messages that many undecided rules have in common, with their number: each is told once."""
    undecided = Counter(result.message for result in results if result.status is Status.INCONCLUSIVE and result.message)
    return {message: number for message, number in undecided.items() if number >= _SHARED}


def _lines(result: Result, shared: Mapping[str, int], *, color: bool) -> list[str]:
    status = _paint(f"{result.status.upper():{_WIDTH}}", _STYLES.get(result.status, ""), on=color)
    blocking = "" if result.blocking or result.status not in _BAD else ", does not block"
    lines = [f"{status}  {result.id}  ({result.severity}{blocking})"]
    if result.status is Status.PASS:
        return lines
    indent = " " * (_WIDTH + 2)
    lines[0] += f"  {result.title}" if result.status in _BAD else ""
    if result.message and not (result.findings and result.status is Status.FAIL):
        known = result.status is Status.INCONCLUSIVE and result.message in shared
        lines.append(f"{indent}{_reference(result, shared) if known else printable(result.message)}")
    for finding in result.findings[:_FINDINGS_SHOWN]:
        seen = f"  [{finding.seen}]" if finding.seen else ""
        print_ = f"  {finding.fingerprint}" if finding.fingerprint else ""
        lines.append(f"{indent}- {printable(f'{finding.where}: {finding.detail}{print_}{seen}')}")
    if len(result.findings) > _FINDINGS_SHOWN:
        lines.append(f"{indent}… and {len(result.findings) - _FINDINGS_SHOWN} more; the JSON report has all")
    if result.remediation:
        lines.append(f"{indent}fix: hardening step {result.step}")
    return lines


def _reference(result: Result, shared: Mapping[str, int]) -> str:
    return f"reason {list(shared).index(result.message) + 1}, below"


def _fixes(report: Report) -> list[str]:
    """Return the commands that mend what failed, each once; an image itself cannot be changed."""
    steps = dict.fromkeys(result.step for result in report.results if result.remediation)
    if not steps:
        return []
    only = " ".join(f"--only {step}" for step in steps)
    harden = f"    amigate harden ssh://USER@HOST {only}"
    if report.target.kind in _KINDS:
        return ["To mend what failed, harden the machine of which the image is made:", harden, ""]
    return [
        "To mend what failed, make a new image:",
        f"    amigate bake --from {report.target.id} --name NEW-NAME --region {report.target.region}",
        "or harden the machine of which you make your own:",
        harden,
        "",
    ]


_BAD = (Status.FAIL, Status.INCONCLUSIVE)


def _verdict(report: Report, *, color: bool) -> list[str]:
    blocking = [result for result in report.results if result.blocking]
    failed = sum(result.status is Status.FAIL for result in blocking)
    match report.verdict:
        case Verdict.FAIL:
            text, style = f"FAIL: {_rules(failed)}. The image may not be shared.", "1;31"
        case Verdict.INCONCLUSIVE:
            text = f"INCONCLUSIVE: {_rules(len(blocking), 'could not be decided')}. The image may not be shared."
            style = "1;35"
        case Verdict.PASS if report.scope is Scope.FULL and not report.may_share:
            when = printable(report.collected_at)
            text = f"PASS: {printable(report.target.id)} met profile {report.profile} when it was looked at ({when})."
            style = "32"
        case Verdict.PASS if report.scope is Scope.FULL:
            text, style = f"PASS: {printable(report.target.id)} MAY BE SHARED under profile {report.profile}.", "1;32"
        case _:
            missed = report.counts[Status.NOT_ASKED]
            text = f"PASS in part: nothing blocks in what was asked; {missed} rules were not asked."
            style = "33"
    return [_paint(f"VERDICT {text}", style, on=color)]


def _rules(number: int, what: str = "is violated that blocks") -> str:
    if number == 1:
        return f"1 rule {what}"
    return f"{number} rules {what.replace('is violated that blocks', 'are violated that block')}"


def _paint(text: str, style: str, *, on: bool) -> str:
    return f"\x1b[{style}m{text}\x1b[0m" if on and style else text
