"""Markdown as GitHub has it (https://github.github.com/gfm/), for a step summary and for a pull request's comment.

What an image says stands in code spans, where it is no markup, link, mention or reference. A report too long for
GitHub loses whole rules from its end, which is where those stand that do not block, and says how many."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from amigate.report import wording
from amigate.report.escape import shown
from amigate.result import Status, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from amigate.result import Report, Result

SUMMARY_BYTES = 1024 * 1024
"""https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#step-isolation-and-limits."""
COMMENT_BYTES = 65_536
"""GitHub counts characters (`body is too long (maximum is 65536 characters)`), of which there are never more."""

_RESERVE = 200
"""For the line that says what was left out."""
_PART = 8
"""Findings of one rule take at most this part of the whole."""
_MARKS = {Verdict.PASS: "✅", Verdict.FAIL: "❌", Verdict.INCONCLUSIVE: "❔"}
_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")


def render(report: Report) -> str:
    """Return the report for `$GITHUB_STEP_SUMMARY`, at most SUMMARY_BYTES in UTF-8."""
    return fitted(list(_blocks(report, SUMMARY_BYTES)), SUMMARY_BYTES)


def render_comment(report: Report) -> str:
    """Return the report for a comment, at most COMMENT_BYTES in UTF-8."""
    return fitted(list(_blocks(report, COMMENT_BYTES)), COMMENT_BYTES)


def code(text: str) -> str:
    """Return `text` as a code span, which is what it says and nothing else."""
    inside = shown(text)
    if not inside.strip():
        return "` `"
    fence = "`" * (max((len(run) for run in re.findall("`+", inside)), default=0) + 1)
    pad = " " if inside[0] in "` " or inside[-1] in "` " else ""
    return f"{fence}{pad}{inside}{pad}{fence}"


def plain(text: str) -> str:
    """Return `text` as running text: no markup, link, mention (`@`) or reference (`#`) comes of it."""
    return re.sub(r"\\([@#])", r"\\\1<!-- -->", _PUNCTUATION.sub(r"\\\1", shown(text)))


def fitted(blocks: Sequence[str], most: int) -> str:
    """Return as many of the blocks as `most` bytes hold, the first of them always."""
    kept: list[str] = []
    used = 0
    for block in blocks:
        size = len(block.encode()) + 2
        if kept and used + size > most - _RESERVE:
            break
        kept.append(block)
        used += size
    if len(kept) < len(blocks):
        kept.append(f"*Left out, as GitHub takes no more: {len(blocks) - len(kept)} parts. The JSON report has all.*")
    return "\n\n".join(kept) + "\n"


def _blocks(report: Report, most: int) -> Iterator[str]:
    yield _head(report)
    results = sorted(report.results, key=lambda result: -result.severity.rank)
    blocking = [result for result in results if result.blocking]
    failed = [result for result in blocking if result.status is Status.FAIL]
    yield from _section("What blocks", failed, most)
    yield from _section("What could not be decided, and blocks", [r for r in blocking if r not in failed], most)
    if fixes := wording.fixes(report):
        yield "\n\n".join(f"{plain(what)}\n\n```sh\n{command}\n```" for what, command in fixes)
    aside = (Status.FAIL, Status.INCONCLUSIVE, Status.WARN, Status.WAIVED)
    yield from _section("What does not block", [r for r in results if r.status in aside and not r.blocking], most)
    for status in (Status.NOT_ASKED, Status.NOT_APPLICABLE, Status.PASS):
        if found := [result for result in results if result.status is status]:
            yield _folded(f"{len(found)} {status}", [f"- {_title(result)}" for result in found])
    if report.notes:
        yield "\n".join(["### Notes", "", *(f"- {plain(note)}" for note in report.notes)])
    for launch, tail in report.console.items():
        lines = [f"- {code(line)}" for line in tail.splitlines()]
        yield _folded(f"Last lines of the serial console of launch {plain(launch)}", lines)


def _head(report: Report) -> str:
    target = report.target
    name = f" {code(target.name)}" if target.name else ""
    counts = " · ".join(f"{number} {status}" for status, number in report.counts.items() if number)
    looked_at = f"{code(target.id)}{name} {wording.target(target, code)}, under profile {code(report.profile)}"
    rows = [
        f"## {_MARKS[report.verdict]} {wording.verdict(report, code)}",
        *([f"**{wording.SANDBOX}**"] if target.sandbox else []),
        f"{looked_at} for {plain(report.audience)}. Asked: {', '.join(report.witnesses)}. {counts}.",
        f"Evidence of {code(report.collected_at)}: {code(report.evidence_digest)}",
    ]
    return "\n\n".join(rows)


def _section(heading: str, results: Sequence[Result], most: int) -> Iterator[str]:
    """Yield a block for each result, the first of them under the heading."""
    for number, result in enumerate(results):
        yield (f"### {heading}\n\n" if number == 0 else "") + _rule(result, most // _PART)


def _rule(result: Result, most: int) -> str:
    lines = [f"**{result.status.upper()}** {_title(result)}", ""]
    if said := _reason(result):
        lines += [said, ""]
    lines += _findings(result, most)
    links = [f"[source](<{source}>)"] if (source := wording.link(result)) else []
    if command := wording.fix(result):
        links.append(f"fix: {code(command)}")
    return "\n".join([*lines, "", " · ".join(links)]).rstrip()


def _findings(result: Result, most: int) -> list[str]:
    """Return a line for each finding, as many of them as `most` bytes hold, and for how many there are beside."""
    lines: list[str] = []
    used = 0
    for number, finding in enumerate(result.findings):
        line = f"- {code(wording.finding(finding))}"
        used += len(line.encode()) + 1
        if used > most:
            return [*lines, f"- and {len(result.findings) - number} more"]
        lines.append(line)
    return lines


def _reason(result: Result) -> str:
    return plain(result.message) if wording.reason(result) else ""


def _title(result: Result) -> str:
    return f"{code(result.id)} ({result.severity}) {plain(result.title)}"


def _folded(summary: str, lines: Sequence[str]) -> str:
    return "\n".join([f"<details><summary>{summary}</summary>", "", *lines, "", "</details>"])
