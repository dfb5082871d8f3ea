"""Where the keys of a TOML document stand, which tomllib does not say.

A document is statements: a key and its value, or the header of a table (https://toml.io/en/v1.0.0). Each is read by
tomllib alone; one that goes on over several lines is no TOML until its last line is there."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

Path = tuple[str, ...]
Place = tuple[int, int]
"""Line and column, from 1; columns are characters."""


def place(text: str, path: Path) -> Place:
    """Return where the last key of `path` stands first, in a document that tomllib has read; (1, 1) if nowhere."""
    table: Path = ()
    for line, statement, data in _statements(text):
        if statement.lstrip().startswith("["):
            table = _spine(data)
            found = table[: len(path)] == path
        else:
            found = path[: len(table)] == table and _holds(data, path[len(table) :])
        if found:
            return _within(statement, line, path[-1])
    return 1, 1


def _statements(text: str) -> Iterator[tuple[int, str, dict[str, Any]]]:
    """Give each statement with the line on which it starts and what it holds by itself."""
    pending, start = "", 1
    for number, line in enumerate(text.split("\n"), start=1):
        pending += line + "\n"
        try:
            data = tomllib.loads(pending)
        except tomllib.TOMLDecodeError:
            continue
        if data:
            yield start, pending, data
        pending, start = "", number + 1


def _spine(data: Any) -> Path:
    """Return the keys that a header names."""
    keys: list[str] = []
    while data:
        if isinstance(data, list):
            [data] = data
            continue
        [(key, data)] = data.items()
        keys.append(key)
    return tuple(keys)


def _holds(data: Any, path: Path) -> bool:
    for key in path:
        if not isinstance(data, dict) or key not in data:
            return False
        data = data[key]
    return True


def _within(statement: str, line: int, key: str) -> Place:
    """Return where `key` is set in a statement; its start where the key is written otherwise."""
    found = re.search(rf"(?<![\w-])[\"']?{re.escape(key)}[\"']?\s*(?=[=.\]])", statement)
    before = statement[: found.start()] if found else statement[: len(statement) - len(statement.lstrip())]
    return line + before.count("\n"), len(before) - before.rfind("\n")
