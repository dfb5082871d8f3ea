"""The report formats by name: adding one is a file and a row here."""

from __future__ import annotations

from collections.abc import Callable

from amigate.report import console, json_format
from amigate.result import Report

FORMATS: dict[str, Callable[[Report], str]] = {
    "console": console.render,
    "json": json_format.render,
}
