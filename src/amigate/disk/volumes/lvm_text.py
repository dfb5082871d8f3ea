"""The text that LVM2 describes a volume group with, as a tree.

The grammar is that of lvm.conf(5) and of LVM2's libdm/libdm-config.c: sections in braces, values, lists."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from amigate.disk.blocks import IncompleteError

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_BYTES = 16 << 20
_MOST_DEPTH = 16
_TOKEN = re.compile(
    r"""\s*(?:\#[^\n]*\s*)*(?:
        (?P<string>"(?:[^"\\]|\\.)*") | (?P<mark>[{}\[\]=,]) | (?P<word>[^\s{}\[\]=,"\#]+) | (?P<end>\Z)
    )""",
    re.VERBOSE | re.DOTALL,
)

Value = int | str | list["int | str"]
Section = dict[str, "Value | Section"]


def parse(text: str) -> Section:
    """Return the outermost section; raises IncompleteError for what is no such text."""
    tokens = _tokens(text)
    stack: list[Section] = [{}]
    for token in tokens:
        if not token:
            break
        if token == "}":  # noqa: S105 - no password
            stack.pop()
            if not stack:
                raise IncompleteError("the LVM metadata closes more sections than it opens")
            continue
        _add(stack, token, tokens)
    if len(stack) != 1:
        raise IncompleteError("the LVM metadata ends within a section")
    return stack[0]


def _add(stack: list[Section], name: str, tokens: Iterator[str]) -> None:
    if name in set("{[]=,") or name in stack[-1]:
        raise IncompleteError("the LVM metadata is malformed, or says something twice")
    match next(tokens, ""):
        case "{":
            if len(stack) > _MOST_DEPTH:
                raise IncompleteError("the LVM metadata has sections too deep within each other")
            section: Section = {}
            stack[-1][name] = section
            stack.append(section)
        case "=":
            stack[-1][name] = _value(tokens)
        case _:
            raise IncompleteError("the LVM metadata is malformed")


def _value(tokens: Iterator[str]) -> Value:
    first = next(tokens, "")
    if first != "[":
        return _scalar(first)
    found: list[int | str] = []
    for token in tokens:
        if token == "]":  # noqa: S105 - no password
            return found
        if token != ",":  # noqa: S105 - no password
            found.append(_scalar(token))
    raise IncompleteError("the LVM metadata ends within a list")


def _scalar(token: str) -> int | str:
    if not token or token in set("{}[]=,"):
        raise IncompleteError("the LVM metadata lacks a value")
    if token.startswith('"'):
        return re.sub(r"\\(.)", r"\1", token[1:-1], flags=re.DOTALL)
    return int(token) if re.fullmatch(r"-?[0-9]{1,19}", token) else token


def _tokens(text: str) -> Iterator[str]:
    """Yield strings with their quotes, words and marks, and "" at the end."""
    at = 0
    while True:
        found = _TOKEN.match(text, at)
        if found is None:
            raise IncompleteError("the LVM metadata is malformed")
        at = found.end()
        yield found[found.lastgroup or 0]
        if found.lastgroup == "end":
            return


def section(tree: Section, name: str) -> Section:
    """Return a section of a section, an empty one without it; raises IncompleteError for a value instead."""
    found = tree.get(name, {})
    if not isinstance(found, dict):
        raise IncompleteError(f"the LVM metadata has {name} as a value")
    return found


def number(tree: Section, name: str) -> int:
    """Return a number that is not negative; raises IncompleteError without one."""
    found = tree.get(name)
    if not isinstance(found, int) or found < 0:
        raise IncompleteError(f"the LVM metadata lacks the number {name}")
    return found


def string(tree: Section, name: str) -> str:
    """Return a string; raises IncompleteError without one."""
    found = tree.get(name)
    if not isinstance(found, str):
        raise IncompleteError(f"the LVM metadata lacks the string {name}")
    return found
