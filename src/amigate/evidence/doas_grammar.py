"""Reading doas.conf: who may run what as whom, https://man.openbsd.org/doas.conf."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from amigate.evidence.continued import joined

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_TOKEN = re.compile(r'[ \t\r]*(?:#.*|(\{)|(\})|((?:"(?:\\.|[^"\\])*"|\\.|[^\s{}"#\\])+))', re.DOTALL)
_FLAGS = {"nopass", "nolog", "persist", "keepenv"}


@dataclass(frozen=True, kw_only=True)
class DoasRule:
    """One line of the policy; of those that fit, the last one counts."""

    permits: bool
    asks: bool
    """For a password."""
    who: str
    """A name, or `:group`."""
    run_as: str
    """Empty for anybody, root too."""
    command: str
    """Empty for any."""


def statements(text: str) -> Iterator[tuple[int, DoasRule | None]]:
    """Yield the number and the rule of each line that says something; None for one in no known form.

    A backslash at the end of a line continues it; doas refuses a file that ends there."""
    for number, line in joined(text):
        words = _words(line)
        if words is None or words:
            yield number, None if words is None else _rule(words)


def written(rule: DoasRule) -> str:
    """Return a line that reads as `rule`."""
    parts = ["permit" if rule.permits else "deny", "" if rule.asks else "nopass", _quoted(rule.who)]
    parts += ["as", _quoted(rule.run_as)] if rule.run_as else []
    parts += ["cmd", _quoted(rule.command)] if rule.command else []
    return " ".join(filter(None, parts))


def _quoted(word: str) -> str:
    return '"' + re.sub(r'([\\"])', r"\\\1", word) + '"'


def _words(line: str) -> list[str] | None:
    """Return the words of a line; None where a quote does not end."""
    found, at = [], 0
    line = line.rstrip(" \t\r")
    while at < len(line):
        token = _TOKEN.match(line, at)
        if token is None:
            return None
        at = token.end()
        if word := token[1] or token[2] or token[3]:
            found.append(re.sub(r"\\(.)", r"\1", word.replace('"', "") if '\\"' not in word else word[1:-1]))
    return found


def _rule(words: Sequence[str]) -> DoasRule | None:
    rest = list(words)
    verb = rest.pop(0)
    if verb not in ("permit", "deny"):
        return None
    asks = True
    while rest and (rest[0] in _FLAGS or rest[0] == "setenv"):
        option = rest.pop(0)
        asks = asks and option != "nopass"
        if option == "setenv":
            if rest[:1] != ["{"] or "}" not in rest:
                return None
            rest = rest[rest.index("}") + 1 :]
    if not rest:
        return None
    who, run_as, command = rest.pop(0), "", ""
    if rest[:1] == ["as"] and len(rest) > 1:
        run_as, rest = rest[1], rest[2:]
    if rest[:1] == ["cmd"] and len(rest) > 1:
        command, rest = rest[1], [] if rest[2:3] in ([], ["args"]) else rest
    return None if rest else DoasRule(permits=verb == "permit", asks=asks, who=who, run_as=run_as, command=command)
