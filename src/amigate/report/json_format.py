"""The JSON report, `amigate/report/1`: stable, versioned, described by schema.json beside this file."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from amigate.result import Finding, Report, Result

SCHEMA = "amigate/report/1"


def render(report: Report) -> str:
    """Return the report as JSON text that ends with a line feed."""
    text = json.dumps(document(report), indent=2)
    return text.replace("##", "#\\u0023") + "\n"  # in strings alone; or a runner of CI takes ##vso[…] for a command


def document(report: Report) -> dict[str, Any]:
    """Return the report as plain data."""
    target = report.target
    return {
        "schema": SCHEMA,
        "tool": report.tool,
        "target": {
            "kind": target.kind,
            "id": target.id,
            "name": target.name,
            "endpoint": target.endpoint,
            "sandbox": target.sandbox,
            "partition": target.partition,
            "account": target.account,
            "region": target.region,
            "snapshots": list(target.snapshots),
        },
        "audience": report.audience,
        "profile": {"name": report.profile, "digest": report.profile_digest, "path": report.profile_path},
        "evidence": {
            "witnesses": [str(witness) for witness in report.witnesses],
            "collected_at": report.collected_at,
            "digest": report.evidence_digest,
        },
        "verdict": str(report.verdict),
        "scope": str(report.scope),
        "may_share": report.may_share,
        "counts": {str(status): number for status, number in report.counts.items()},
        "results": [_result(result) for result in report.results],
        "notes": list(report.notes),
        "console": dict(report.console),
        "timings": dict(report.timings),
        "timeline": [asdict(phase) for phase in report.timeline],
        "cost": dict(report.cost),
    }


def _result(result: Result) -> dict[str, Any]:
    return {
        "id": result.id,
        "status": str(result.status),
        "severity": str(result.severity),
        "blocking": result.blocking,
        "title": result.title,
        "guideline": result.guideline,
        "source": result.source,
        "witness": [str(witness) for witness in result.witness],
        "message": result.message,
        "findings": [_finding(finding) for finding in result.findings],
        "remediation": result.remediation,
        "step": result.step,
        "duration_s": round(result.duration_s, 4),
        "rationale": result.rationale,
        "profile_line": result.profile_line,
    }


def _finding(finding: Finding) -> dict[str, Any]:
    """Leave out what is empty: a finding has a path or a subject, and a line only with a path."""
    fields: dict[str, Any] = {
        "path": finding.path,
        "subject": finding.subject,
        "line": finding.line,
        "detail": finding.detail,
        "fingerprint": finding.fingerprint,
        "seen": finding.seen,
    }
    return {name: value for name, value in fields.items() if value not in ("", None)}
