"""Reports on standard output or in files."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from amigate.cli import files
from amigate.errors import RemovalError, UsageError
from amigate.report import console
from amigate.report.escape import printable
from amigate.report.formats import FORMATS
from amigate.result import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from amigate.result import Report

_NARROW = 72
"""Columns of a terminal in which there is no room to indent."""
Destination = tuple[str, Path | None]


def destinations(
    reports: Sequence[str], option: str = "--report", formats: Collection[str] = FORMATS
) -> list[Destination]:
    """Read the FORMAT[=PATH]s of an option before anything is launched; raises UsageError for one that cannot work."""
    found: list[Destination] = []
    for report in reports or ("console",):
        name, equals, path = report.partition("=")
        if name not in formats or (equals and not path):
            raise UsageError(
                f"{option} {printable(report)}: that is no report format",
                hint=f"FORMAT or FORMAT=PATH, FORMAT being one of {', '.join(formats)}.",
            )
        if path:
            files.require_writable(Path(path), f"{option} {name}", device=True)
        found.append((name, Path(path) if path else None))
    if sum(path is None for _, path in found) > 1:
        raise UsageError("two reports would go to standard output", hint="Give all but one of them a PATH.")
    paths = [path.resolve() for _, path in found if path is not None and (path.is_file() or not path.exists())]
    if len(set(paths)) < len(paths):
        raise UsageError("two reports would go to one file", hint="Give each of them a PATH of its own.")
    return found


def write(report: Report, wanted: Sequence[Destination]) -> None:
    """Write the report to each destination."""

    def text(name: str, path: Path | None) -> str:
        return _on_terminal(report) if path is None and name == "console" else FORMATS[name](report)

    deliver(wanted, text)


def deliver(wanted: Sequence[Destination], text: Callable[[str, Path | None], str]) -> None:
    """Write a text to each destination, standard output last; raises UsageError once all that can be is written."""
    failed: UsageError | None = None
    for name, path in wanted:
        if path is not None:
            try:
                files.write(path, text(name, path))
            except UsageError as error:
                failed = failed or error
    for name, path in wanted:
        if path is None:
            said = text(name, path)
            click.echo(said if name == "console" else said.encode(), nl=False, color=True)
    if failed is not None:
        raise failed


def judged(judge: Callable[[], Report], wanted: Sequence[Destination]) -> Report:
    """Return the report of `judge`, written to each destination, also when things were left behind; then it raises."""
    try:
        report = judge()
    except RemovalError as error:
        if error.report is not None:
            write(error.report, wanted)
        raise
    write(report, wanted)
    return report


def exit_code(report: Report) -> int:
    """Return the exit code of a verdict: 0 pass, 1 fail, 3 inconclusive."""
    return {Verdict.PASS: 0, Verdict.FAIL: 1, Verdict.INCONCLUSIVE: 3}[report.verdict]


def _on_terminal(report: Report) -> str:
    terminal = sys.stdout.isatty()
    narrow = terminal and shutil.get_terminal_size().columns < _NARROW
    return console.render(report, color=terminal and not os.environ.get("NO_COLOR"), narrow=narrow)
