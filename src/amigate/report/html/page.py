"""The HTML report: what the template is filled with.

One file that loads nothing: styles and script are in it, and its content security policy names their digests, so that
nothing else in it is either. Every text goes through `shown` and jinja2's escaping."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from amigate.report import wording
from amigate.report.escape import shown
from amigate.report.html import picture, timeline, witnesses
from amigate.result import Scope, Status, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    import jinja2

    from amigate.result import Report, Result

_ACRONYMS = {"ami", "dns", "ebs", "ssh"}
PACKAGE = "amigate.report.html"
ORDER = (
    Status.FAIL,
    Status.INCONCLUSIVE,
    Status.WARN,
    Status.WAIVED,
    Status.PASS,
    Status.NOT_APPLICABLE,
    Status.NOT_ASKED,
)
WORDS = {
    Status.FAIL: "violated",
    Status.INCONCLUSIVE: "undecided",
    Status.WARN: "met, with a remark",
    Status.WAIVED: "waived",
    Status.PASS: "met",
    Status.NOT_APPLICABLE: "not applicable",
    Status.NOT_ASKED: "not asked",
}


def render(report: Report) -> str:
    """Return the report as an HTML document; image content in it is text, whatever it holds."""
    style, script = _part("style.css"), _part("script.js")
    return _template().render(
        report=report,
        style=style,
        script=script,
        policy=f"default-src 'none'; style-src {_digest(style)}; script-src {_digest(script)}; "
        "base-uri 'none'; form-action 'none'",
        headline=_headline(report),
        sentence=wording.verdict(report),
        tone=_tone(report),
        where=wording.target(report.target),
        sandbox=wording.SANDBOX if report.target.sandbox else "",
        why=_why(report),
        fixes=wording.fixes(report),
        groups=_groups(report),
        anchors=_anchors(report.results),
        counts={status: report.counts[status] for status in ORDER if report.counts[status]},
        words=WORDS,
        saw=witnesses.witnesses(report),
        nodes=witnesses.nodes(report),
        pictures=(picture.WIDE, picture.TALL),
        lanes=timeline.lanes(report.timeline),
        ticks=timeline.ticks(report.timeline),
        not_asked=[result for result in report.results if result.status is Status.NOT_ASKED],
        fix=wording.fix,
        reason=wording.reason,
        link=wording.link,
    )


def _headline(report: Report) -> str:
    match report.verdict:
        case Verdict.FAIL:
            return "May not be shared"
        case Verdict.INCONCLUSIVE:
            return "Could not be decided"
        case Verdict.PASS if report.may_share:
            return "May be shared"
        case Verdict.PASS if report.scope is Scope.FULL:
            return "Met its profile"
        case _:
            return "Nothing blocks in what was asked"


def _why(report: Report) -> list[list[Result]]:
    """Return what blocks, the gravest first; rules that are undecided for one reason stand together."""
    found: dict[str, list[Result]] = {}
    for result in _sorted([result for result in report.results if result.blocking]):
        undecided = result.status is Status.INCONCLUSIVE and result.message
        found.setdefault(f"reason {result.message}" if undecided else f"rule {result.id}", []).append(result)
    return list(found.values())


def _tone(report: Report) -> str:
    if report.verdict is Verdict.PASS and report.scope is Scope.PARTIAL:
        return "partial"
    return report.verdict


def _groups(report: Report) -> list[tuple[str, str, list[Result]]]:
    """Return the results by guideline: its family, its name, and the gravest first; groups so too."""
    found: dict[str, list[Result]] = {}
    for result in _sorted(report.results):
        found.setdefault(result.guideline, []).append(result)
    groups = []
    for guideline, results in found.items():
        family, _, name = guideline.partition("/")
        groups.append((family, _heading(name or family), results))
    return groups


def _heading(slug: str) -> str:
    """Return a guideline's slug as words."""
    first, *others = (word.upper() if word in _ACRONYMS else word for word in slug.split("-"))
    return " ".join([first[:1].upper() + first[1:], *others])


def _sorted(results: Sequence[Result]) -> list[Result]:
    return sorted(results, key=lambda r: (not r.blocking, ORDER.index(r.status), -r.severity.rank))


def _anchors(results: Sequence[Result]) -> dict[str, str]:
    """Return a fragment for each rule, by which others may link to it."""
    anchors: dict[str, str] = {}
    for number, result in enumerate(results):
        name = f"rule-{re.sub('[^A-Za-z0-9_-]+', '-', result.id)[:80]}"
        anchors[result.id] = f"{name}-{number}" if name in anchors.values() else name
    return anchors


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode('ascii')}'"


@cache
def _part(name: str) -> str:
    return resources.files(PACKAGE).joinpath(name).read_text(encoding="utf-8")


@cache
def _template() -> jinja2.Template:
    import jinja2  # noqa: PLC0415 - slow to import
    from markupsafe import Markup  # noqa: PLC0415

    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_part),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: shown(value) if isinstance(value, str) and not isinstance(value, Markup) else value,
    )
    return environment.get_template("page.html.j2")
