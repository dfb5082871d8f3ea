"""The doctor's findings as text and as JSON."""

from __future__ import annotations

import json
import textwrap
from typing import TYPE_CHECKING

from amigate.doctor.finding import Finding, State, exit_code
from amigate.report.escape import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

COLORS = {State.OK: 32, State.WARN: 33, State.FAIL: 31, State.UNKNOWN: 35}
SUMMARY = {
    0: "Nothing that was looked at keeps amigate from working.",
    1: "amigate cannot do all that was asked about: see what fails.",
    3: "Nothing fails, but what should be known could not be told.",
}
_STATE, _TOPIC = 8, 31
_COLUMNS = 120


def as_line(finding: Finding, *, color: bool = False, columns: int = _COLUMNS) -> str:
    """Return a finding as lines for a terminal of so many columns."""
    state = f"{finding.state:{_STATE}}"
    shown = f"\x1b[{COLORS[finding.state]}m{state}\x1b[0m" if color else state
    width = max(columns - _STATE - _TOPIC, 30)
    found = textwrap.wrap(printable(finding.found), width, break_on_hyphens=False) or [""]
    next_step = textwrap.wrap(printable(f"→ {finding.next_step}"), width, break_on_hyphens=False)
    lines = [*found, *(next_step if finding.next_step else [])]
    first = f"{shown}{finding.topic:{_TOPIC}}{lines[0]}"
    return "\n".join([first, *(" " * (_STATE + _TOPIC) + line for line in lines[1:])]) + "\n"


def summary(findings: list[Finding]) -> str:
    """Return the last line."""
    counts = ", ".join(
        f"{sum(each.state is state for each in findings)} {state}"
        for state in State
        if any(each.state is state for each in findings)
    )
    return f"{SUMMARY[exit_code(findings)]} ({counts})\n"


def as_json(findings: Sequence[Finding]) -> str:
    """Return the findings as JSON, schema `amigate/doctor/1`."""
    listed = [
        {
            "topic": each.topic,
            "state": each.state,
            "found": each.found,
            "next_step": each.next_step,
            "untellable": each.untellable,
        }
        for each in findings
    ]
    data = {"schema": "amigate/doctor/1", "exit_code": exit_code(list(findings)), "findings": listed}
    return json.dumps(data, indent=2) + "\n"
