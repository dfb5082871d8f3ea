"""Commands of a shell that pages show, and what they call amigate with."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from itertools import dropwhile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .pages import Code

LANGUAGES = frozenset({"sh", "console"})
PROMPT = "$ "
_WITHIN = re.compile(r"\$\(([^()]*)\)")
_REDIRECTION = re.compile(r"""\d*(?:>>|>&|[<>])\s*(?:"[^"]*"|'[^']*'|\S+)""")


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A command of a shell as a page shows it, and the output below it."""

    line: str
    output: str = ""


def shown(code: Code) -> list[Shown]:
    """Return the commands of a block: what stands behind each prompt, or every line of a script."""
    text = code.text.replace("\\\n", " ")
    if code.language == "console":
        first, *parts = re.split(rf"^{re.escape(PROMPT)}", text, flags=re.MULTILINE)
        assert not first.strip(), f"{code.place}: a console begins with '{PROMPT}'"
        split = [part.partition("\n") for part in parts]
        return [Shown(line=line, output=output) for line, _, output in split]
    return [Shown(line=line) for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]


def calls(line: str) -> Iterator[list[str]]:
    """Yield the arguments of each call of amigate in a line of a shell, those within `$(…)` too."""
    for inner in _WITHIN.findall(line):
        yield from calls(inner)
    lexer = shlex.shlex(_REDIRECTION.sub(" ", _WITHIN.sub("X", line)), posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    words: list[str] = []
    for word in [*lexer, ";"]:
        if word.strip(";|&()"):
            words.append(word)
            continue
        program = list(dropwhile(lambda each: re.match(r"\w+=", each), words))
        if program[:1] == ["amigate"]:
            yield program[1:]
        words = []
