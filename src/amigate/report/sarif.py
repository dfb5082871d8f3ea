"""SARIF 2.1.0 for code scanning: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html.

An image has no line in a repository, so a result points at the line of the profile that asks for the rule; where in
the image it is stands in its message and its logical locations. GitHub takes every result for an alert, whatever its
`kind` says (https://docs.github.com/en/code-security/reference/code-scanning/sarif-files/sarif-support), so there is
one for each finding that is violated, one for each rule that could not be decided or met with remarks, and none for
what passed, was waived, does not apply or was not asked; how many those are is among the run's properties."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from amigate.report import wording
from amigate.report.escape import shown
from amigate.result import Finding, Severity, Status, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from amigate.result import Report, Result, Target

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
MOST = 5000
"""Results that GitHub shows of one run; the gravest come first."""

_LEVELS = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "note",
    Severity.INFO: "note",
}
_SCORES = {
    Severity.CRITICAL: "9.5",
    Severity.HIGH: "8.0",
    Severity.MEDIUM: "5.5",
    Severity.LOW: "3.0",
    Severity.INFO: "0.1",
}
"""As GitHub reads them: over 9.0 critical, from 7.0 high, from 4.0 medium, from 0.1 low."""
_VERSION = re.compile(r"\d+\.\d+\.\d+([-+][0-9A-Za-z.+-]+)?", re.ASCII)
_ALERTS = (Status.FAIL, Status.INCONCLUSIVE, Status.WARN)


def render(report: Report) -> str:
    """Return the report as a SARIF log of one run, JSON that is all ASCII."""
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [_run(report)]}
    return json.dumps(log, indent=2) + "\n"


def _run(report: Report) -> dict[str, Any]:
    gravest_first = sorted(report.results, key=lambda result: (not result.blocking, -result.severity.rank))
    results = [alert for result in gravest_first for alert in _alerts(result, report)]
    version = report.tool.removeprefix("amigate ")
    return {
        "tool": {
            "driver": {
                "name": "amigate",
                **({"semanticVersion": version} if _VERSION.fullmatch(version) else {}),
                "rules": [_rule(result) for result in report.results],
            }
        },
        "automationDetails": {"id": f"amigate/{shown(report.profile)}/"},
        "invocations": [_invocation(report, len(results))],
        "results": results[:MOST],
        "properties": _properties(report),
    }


def _rule(result: Result) -> dict[str, Any]:
    title, rationale = shown(result.title), shown(result.rationale or result.title)
    fix = f"\n\n{shown(result.remediation)}" if result.remediation else ""
    return {
        "id": shown(result.id),
        "shortDescription": {"text": _literal(title)},
        "fullDescription": {"text": _literal(rationale)},
        "help": {"text": _literal(rationale + fix)},
        **({"helpUri": source} if (source := wording.link(result)) else {}),
        "defaultConfiguration": {"level": _LEVELS[result.severity]},
        "properties": {
            "security-severity": _SCORES[result.severity],
            "precision": "very-high",
            "tags": ["security", shown(result.guideline)],
        },
    }


def _alerts(result: Result, report: Report) -> Iterator[dict[str, Any]]:
    """Yield an alert for each finding; of a rule without any, or that could not be decided, one.

    Their fingerprints leave out which image it is, or each new image would close all alerts and open them anew."""
    if result.status not in _ALERTS:
        return
    target = report.target
    whole = (Finding(subject=target.id, detail=result.message or "not met"),)
    undecided = result.status is Status.INCONCLUSIVE
    twins: Counter[str] = Counter()
    for finding in whole if undecided else result.findings or whole:
        parts = (finding.path, finding.subject, finding.detail, finding.fingerprint)
        what = "\0".join((result.id, *(("undecided",) if undecided else parts))).replace(target.id, "")
        twins[what] += 1
        yield _alert(result, finding, target, report.profile_path, f"{_digest(what)}:{twins[what]}")


def _alert(result: Result, finding: Finding, target: Target, profile: str, fingerprint: str) -> dict[str, Any]:
    undecided = result.status is Status.INCONCLUSIVE
    level = _LEVELS[result.severity] if result.status is Status.FAIL else "warning" if undecided else "note"
    said = f"could not be decided: {shown(result.message)}" if undecided else wording.finding(finding)
    fix = f" Fix: {command}" if (command := wording.fix(result)) else ""
    arn = _arn(target)
    where = [{"name": shown(target.id), "fullyQualifiedName": arn, "kind": "resource"}]
    if finding.path and not undecided:
        line = f":{finding.line}" if finding.line else ""
        path = shown(finding.path)
        where.append({"name": path, "fullyQualifiedName": f"{arn}:{path}{line}", "kind": "resource"})
    return {
        "ruleId": shown(result.id),
        "level": level,
        "message": {"text": _literal(f"{shown(target.id)}: {said}.{fix}")},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": _uri(profile)},
                    "region": {"startLine": result.profile_line or 1},
                },
                "logicalLocations": where,
            }
        ],
        "partialFingerprints": {
            "primaryLocationLineHash": fingerprint,
            "amigateImage/v1": _digest(f"{arn}\0{fingerprint}"),
        },
    }


def _invocation(report: Report, results: int) -> dict[str, Any]:
    notes = [f"Verdict {wording.verdict(report)}", *map(shown, report.notes)]
    if results > MOST:
        notes.append(f"{results - MOST} results were left out; the JSON report has all.")
    return {
        "executionSuccessful": report.verdict is not Verdict.INCONCLUSIVE,
        "toolExecutionNotifications": [{"level": "note", "message": {"text": _literal(note)}} for note in notes],
    }


def _properties(report: Report) -> dict[str, Any]:
    return {
        "verdict": report.verdict,
        "scope": report.scope,
        "mayShare": report.may_share,
        "sandbox": report.target.sandbox,
        "counts": {str(status): number for status, number in report.counts.items()},
        "profileDigest": shown(report.profile_digest),
        "evidenceDigest": shown(report.evidence_digest),
        "collectedAt": shown(report.collected_at),
    }


def _arn(target: Target) -> str:
    """Return the image's ARN (https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html)."""
    if not target.region:
        return shown(target.id)
    return shown(f"arn:{target.partition or 'aws'}:ec2:{target.region}::image/{target.id}")


def _uri(path: str) -> str:
    """Return a path as a URI reference; an absolute one as file:///…"""
    whole = quote(path.encode("utf-8", "surrogateescape"))
    return f"file://{whole}" if whole.startswith("/") else whole or "profile.yaml"


def _literal(text: str) -> str:
    """Return `text` for a plain text message, in which it makes no link (3.11.6) and no placeholder (3.11.5)."""
    return text.replace("](", "] (").replace("{", "{{").replace("}", "}}")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
