"""How units and the files of their options start sshd, without running it."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

VARIABLES = ("SSHD_OPTS", "OPTIONS")
"""What holds its options in the units of Debian and OpenRC, and of Red Hat."""

_EXEC_START = re.compile(r"\s*ExecStart\s*=\s*(?:[-@:+!]*(\S*/sshd)(?:\s+(.*))?)?$")
_PASSED_OVER = re.compile(r"\$\{?\w+\}?|-[Dei]+")
"""Variables, whose values are looked for in their files, and options that change nothing of the configuration."""


def exec_starts(text: str) -> Iterator[tuple[str, list[str] | None]]:
    """Yield program and options of every ExecStart of a unit that starts sshd; None where they cannot be read.

    One that is empty takes back what was said before it: its program is empty. `%%` is how a unit writes `%`."""
    for line in text.replace("\\\n", " ").split("\n"):
        if (match := _EXEC_START.match(line)) is not None:
            yield match[1] or "", _options((match[2] or "").replace("%%", "%"))


def assigned(text: str, variable: str) -> Iterator[list[str] | None]:
    """Yield the options that each assignment of `variable` holds; None where they cannot be read."""
    for line in text.split("\n"):
        if (match := re.match(rf"\s*(?:export\s+)?{variable}=(.*)", line)) is not None:
            try:
                parts = shlex.split(match[1], comments=True)
            except ValueError:
                yield None
            else:
                found = [_options(part) for part in parts]
                yield None if None in found else [word for words in found for word in words or ()]


def _options(text: str) -> list[str] | None:
    try:
        words = shlex.split(text, comments=True)
    except ValueError:
        return None
    return [word for word in words if not _PASSED_OVER.fullmatch(word)]
