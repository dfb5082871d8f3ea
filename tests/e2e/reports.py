"""JSON reports as a user reads them."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import jsonschema

if TYPE_CHECKING:
    from pathlib import Path

RECEIVER = "111122223333"
"""With whom images are shared."""


def read(path: Path) -> dict[str, Any]:
    """Return a JSON report after holding it against its schema."""
    report: dict[str, Any] = json.loads(path.read_text())
    schema = json.loads((files("amigate.report") / "schema.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(report)
    return report


def failed(report: dict[str, Any]) -> set[str]:
    return {result["id"] for result in report["results"] if result["status"] == "fail"}
