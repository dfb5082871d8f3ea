"""The report formats by name: adding one is a file and a row here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amigate.report import console, diff_console, diff_markdown, github, json_format, junit, markdown, sarif
from amigate.report.html import page

if TYPE_CHECKING:
    from collections.abc import Callable

    from amigate.report.diff import Diff
    from amigate.result import Report

FORMATS: dict[str, Callable[[Report], str]] = {
    "console": console.render,
    "json": json_format.render,
    "junit": junit.render,
    "sarif": sarif.render,
    "markdown": markdown.render,
    "markdown-comment": markdown.render_comment,
    "github": github.render,
    "html": page.render,
}
DIFF_FORMATS: dict[str, Callable[[Diff], str]] = {
    "console": diff_console.render,
    "markdown": diff_markdown.render,
}
"""Forms of what changed between two reports."""
