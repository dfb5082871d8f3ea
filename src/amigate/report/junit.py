"""JUnit XML as Jenkins reads it (junit-10.xsd of its xUnit plugin), and with it GitLab and most others.

A test case is a rule. What blocks is a failure, what blocks undecided an error; no other case is either, so a suite is
green if and only if the verdict is a pass. What is violated or undecided and does not block is skipped, and says so."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from amigate.report import wording
from amigate.report.escape import shown
from amigate.result import Status, Verdict

if TYPE_CHECKING:
    from amigate.result import Report, Result

_QUIET = (Status.PASS, Status.WARN)
"""What is neither a failure nor skipped."""
_BAD = (Status.FAIL, Status.INCONCLUSIVE)


def render(report: Report) -> str:
    """Return the report as an XML document; image content in it is escaped text."""
    root = ET.Element("testsuites", name="amigate")
    suite = ET.SubElement(root, "testsuite", _head(report))
    properties = ET.SubElement(suite, "properties")
    for name, value in _properties(report).items():
        ET.SubElement(properties, "property", name=name, value=shown(value))
    for result in report.results:
        suite.append(_case(result, report))
    if report.verdict is not Verdict.PASS and not any(result.blocking for result in report.results):
        case = ET.SubElement(suite, "testcase", name="verdict", classname="amigate")
        ET.SubElement(case, "error", type=report.verdict, message=wording.verdict(report))
    failures, errors = len(suite.findall("testcase/failure")), len(suite.findall("testcase/error"))
    for element in (root, suite):
        element.set("tests", str(len(suite.findall("testcase"))))
        element.set("failures", str(failures))
        element.set("errors", str(errors))
    suite.set("skipped", str(len(suite.findall("testcase/skipped"))))
    ET.SubElement(suite, "system-out").text = wording.verdict(report)
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _head(report: Report) -> dict[str, str]:
    return {
        "name": f"amigate {shown(report.target.id)}",
        "timestamp": shown(report.collected_at),
        "time": f"{sum(result.duration_s for result in report.results):.3f}",
    }


def _properties(report: Report) -> dict[str, str]:
    target = report.target
    return {
        "verdict": report.verdict,
        "scope": report.scope,
        "may_share": str(report.may_share).lower(),
        "sandbox": str(target.sandbox).lower(),
        "target": target.id,
        "name": target.name,
        "account": target.account,
        "region": target.region,
        "profile": report.profile,
        "profile_digest": report.profile_digest,
        "evidence_digest": report.evidence_digest,
        "tool": report.tool,
    }


def _case(result: Result, report: Report) -> ET.Element:
    classname = f"amigate.{shown(report.profile)}"
    case = ET.Element("testcase", name=shown(result.id), classname=classname, time=f"{result.duration_s:.3f}")
    if kind := _kind(result):
        aside = f"{result.status}, does not block: " if kind == "skipped" and result.status in _BAD else ""
        outcome = ET.SubElement(case, kind, type=f"{result.status} {result.severity}", message=aside + _message(result))
        outcome.text = _details(result)
    elif details := _details(result):
        ET.SubElement(case, "system-out").text = details
    return case


def _kind(result: Result) -> str:
    if result.blocking:
        return "failure" if result.status is Status.FAIL else "error"
    return "" if result.status in _QUIET else "skipped"


def _message(result: Result) -> str:
    title = shown(result.title)
    return f"{title}: {shown(result.message)}" if result.message else title


def _details(result: Result) -> str:
    if result.status is Status.PASS:
        return ""
    command = wording.fix(result)
    lines = [
        wording.reason(result),
        *(wording.finding(finding) for finding in result.findings),
        f"source: {shown(result.source)}" if result.source else "",
        f"fix: {command}" if command else "",
    ]
    return "\n".join(line for line in lines if line)
