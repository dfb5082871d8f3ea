"""A JSON report back to the Report that it was written from.

Every field is of its type, and what follows from the results is as they have it. It is no proof of anything: whoever
can write the file can write a report."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from amigate.errors import UsageError
from amigate.evidence import strict
from amigate.evidence.strict import MalformedError
from amigate.report.escape import shown
from amigate.report.json_format import SCHEMA, document
from amigate.result import Report

if TYPE_CHECKING:
    from pathlib import Path

FILE_CAP_BYTES = 64 * 1024 * 1024
_FAMILY = "amigate/report/"
_KINDS = ("ami", "file", "directory", "evidence")
_DERIVED = ("verdict", "scope", "may_share", "counts")
_FINDING = {"path": "", "subject": "", "line": None, "fingerprint": "", "seen": ""}
_RESULT = {"rationale": "", "profile_line": None}
"""What reports did not always have."""


def load(path: Path) -> Report:
    """Return the report in the JSON file at `path`; raises UsageError for anything else."""
    try:
        return read(_bytes(path).decode("utf-8"))
    except OSError as error:
        raise UsageError(f"{shown(str(path))}: {error.strerror}", hint="Name a JSON report.") from None
    except UnicodeDecodeError:
        raise UsageError(f"{shown(str(path))}: it is no JSON report: it is no text", hint=_HINT) from None
    except MalformedError as error:
        raise UsageError(f"{shown(str(path))}: it is no JSON report: {shown(str(error))}", hint=_HINT) from None


def _bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        data = file.read(FILE_CAP_BYTES + 1)
    if len(data) > FILE_CAP_BYTES:
        raise MalformedError("it is larger than a report can be")
    return data


_HINT = "Name a file that `--report json=FILE` or `--save-evidence FILE` has written."


def read(text: str) -> Report:
    """Return the report in `text`; raises MalformedError, UsageError for one of another schema."""
    data = strict.parse(text)
    schema = data.get("schema") if isinstance(data, dict) else None
    if not isinstance(schema, str) or not schema.startswith(_FAMILY):
        raise MalformedError(f"it does not say that it is {SCHEMA}")
    if schema != SCHEMA:
        raise UsageError(
            f"the report is {shown(schema)}; this amigate reads {SCHEMA}",
            hint="Read it with the amigate that wrote it, or a newer one.",
        )
    try:
        report = strict.decode(Report, _plain(data), "report")
    except (KeyError, TypeError, AttributeError):
        raise MalformedError("it has not the fields of its schema") from None
    _require_sound(report, data)
    return report


def _plain(data: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of Report, from those of its document."""
    profile, evidence = data["profile"], data["evidence"]
    same = {field.name for field in fields(Report)} & data.keys()
    return {
        "timeline": [],
        **{name: data[name] for name in same},
        "profile": profile["name"],
        "profile_digest": profile["digest"],
        "profile_path": profile.get("path", ""),
        "witnesses": evidence["witnesses"],
        "collected_at": evidence["collected_at"],
        "evidence_digest": evidence["digest"],
        "results": [
            {**_RESULT, **result, "findings": [{**_FINDING, **finding} for finding in result["findings"]]}
            for result in data["results"]
        ],
    }


def _require_sound(report: Report, data: dict[str, Any]) -> None:
    """Raise MalformedError where the report says of itself what its results do not."""
    written = document(report)
    for name in _DERIVED:
        if data.get(name) != written[name]:
            raise MalformedError(f"it was changed: its {name} is not that of its results")
    if report.target.kind not in _KINDS:
        raise MalformedError("report.target.kind is none that there is")
    for number, result in enumerate(report.results):
        if any(not finding.path and not finding.subject for finding in result.findings):
            raise MalformedError(f"report.results[{number}] has a finding without a place")
        if result.profile_line is not None and result.profile_line < 1:
            raise MalformedError(f"report.results[{number}].profile_line is no line")
