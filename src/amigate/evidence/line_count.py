"""Counting the lines of a file without taking its content: the one command that is answered at rest as well."""

from __future__ import annotations

import shlex

from amigate.evidence.keep import Keep
from amigate.evidence.questions import Run

CAP_BYTES = 1024 * 1024
"""Largest file whose lines are counted; whoever asks knows its size."""
_KEY = "lines of "


def count_lines(path: str) -> Run:
    """Ask how many line feeds the first bytes of the file at `path` hold."""
    return Run(f"{_KEY}{path}", f"head -c {CAP_BYTES} <{shlex.quote(path)} | wc -l", Keep.NUMBERS, cap_bytes=CAP_BYTES)


def counted(question: Run) -> str | None:
    """Return the path if `question` counts lines, None if it is another one."""
    path = question.key.removeprefix(_KEY)
    return path if question == count_lines(path) else None
