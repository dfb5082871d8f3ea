"""Text that an image controls, made safe to show."""

from __future__ import annotations

import re

LONGEST = 2000
"""Characters of one text in a report for people; the JSON report has all of it."""


_LOG_COMMAND = re.compile(r"##(?=[\w.]*\[)")
"""What Azure Pipelines (`##vso[`), TeamCity (`##teamcity[`), GitHub (`##[`) take for commands anywhere in a line."""


def printable(text: str) -> str:
    """Return `text` with every character that does not print, terminal escapes and bidi marks too, escaped.

    So is what a runner of CI would take for a command in its log."""
    escaped = "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
        for character in text
    )
    return _LOG_COMMAND.sub(r"#\\x23", escaped)


def shown(text: str) -> str:
    """Return `text` printable, and no longer than a reader can take in."""
    escaped = printable(text[: LONGEST + 1])
    return escaped if len(escaped) <= LONGEST else f"{escaped[:LONGEST]}… (cut)"


def no_command(line: str) -> str:
    """Return a line that GitHub's runner takes for no command: those begin with two colons, indented or not."""
    return line.replace("::", "\\x3a:", 1) if line.lstrip().startswith("::") else line
