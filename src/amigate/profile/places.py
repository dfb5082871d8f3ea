"""YAML of which every value knows where it stands."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from amigate.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Location = tuple[str | int, ...]
KEY = "@key"
"""Ends the location of a key itself, not of its value."""
_MOST_VALUES = 100_000
"""A file of a mebibyte holds no more, unless its aliases are nested."""


@dataclass(frozen=True)
class Places:
    """Where each value of a file stands."""

    name: str
    """The file, as errors name it."""
    marks: Mapping[Location, tuple[int, int]]
    """Location to line and column, counted from 1."""

    def at(self, *location: str | int) -> str:
        """Return file:line:column of the value at `location`, or of what holds it."""
        line, column = self._mark(location)
        return f"{self.name}:{line}:{column}"

    def line(self, *location: str | int) -> int:
        """Return the line of the value at `location`, or of what holds it."""
        return self._mark(location)[0]

    def _mark(self, location: Location) -> tuple[int, int]:
        while location not in self.marks:
            location = location[:-1]
        return self.marks[location]


def read(raw: bytes, name: str) -> tuple[Any, Places]:
    """Return the data of a YAML file and where it stands; raises UsageError, also for a key that stands there twice."""
    marks: dict[Location, tuple[int, int]] = {}
    try:
        loader = yaml.SafeLoader(raw)
        node = loader.get_single_node()
        if node is None:
            raise UsageError(f"{name}:1:1: the file is empty", hint="A profile is a YAML mapping.")
        _walk(node, (), marks, name)
        return loader.construct_document(node), Places(name, marks)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        raise UsageError(f"{name}{place}: {error.problem}", hint="Mend the YAML.") from None
    except (yaml.YAMLError, UnicodeDecodeError, ValueError, RecursionError) as error:
        raise UsageError(f"{name}: not readable as YAML ({type(error).__name__})", hint="Mend the file.") from None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return a remark with the nearest of the `known` names; empty where none is near."""
    near = difflib.get_close_matches(word, sorted(known), 1)
    return f" (did you mean {near[0]!r}?)" if near else ""


def _walk(node: yaml.Node, place: Location, marks: dict[Location, tuple[int, int]], name: str) -> None:
    line, column = node.start_mark.line + 1, node.start_mark.column + 1
    marks.setdefault(place, (line, column))
    if len(marks) > _MOST_VALUES:
        raise UsageError(f"{name}:{line}:{column}: more values than a profile can have", hint="Mend the aliases.")
    if isinstance(node, yaml.MappingNode):
        seen = set()
        for key, value in node.value:
            line, column = key.start_mark.line + 1, key.start_mark.column + 1
            if not isinstance(key, yaml.ScalarNode):
                raise UsageError(f"{name}:{line}:{column}: a key must be a word", hint="Mend the YAML.")
            if key.value in seen:
                raise UsageError(f"{name}:{line}:{column}: {key.value!r} stands here twice", hint="Remove one.")
            seen.add(key.value)
            marks[*place, key.value, KEY] = (line, column)
            _walk(value, (*place, key.value), marks, name)
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            _walk(value, (*place, number), marks, name)
