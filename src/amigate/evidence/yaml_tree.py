"""YAML of a hostile image, read into plain values with the line of each; what could be a trap is refused."""

from __future__ import annotations

from typing import Any

import yaml

from amigate.check import InconclusiveError

_NODES = 20_000
"""More values than any configuration has; aliases of aliases would make billions of a few lines."""
_PLAIN = {f"tag:yaml.org,2002:{name}" for name in ("map", "seq", "str", "int", "float", "bool", "null", "timestamp")}

Keys = tuple[str | int, ...]
"""Where a value stands: the keys of mappings and the positions in lists that lead to it."""


def load(text: str, path: str) -> tuple[Any, dict[Keys, int]]:
    """Return the value of the one document in `text`, and the line of each value in it.

    Raises InconclusiveError for what is no YAML, has tags of its own, merge keys, keys that are no scalars, or more
    values than a configuration has."""
    _, value, lines = document(text, path)
    return value, lines


def document(text: str, path: str) -> tuple[yaml.Node | None, Any, dict[Keys, int]]:
    """Return what `load` does, and the node of the document in front of it; None for an empty one."""
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        lines: dict[Keys, int] = {}
        if node is None:
            return None, None, lines
        _walk(node, (), lines)
        loader = yaml.SafeLoader("")
        try:
            return node, loader.construct_document(node), lines
        finally:
            loader.dispose()
    except (yaml.YAMLError, ValueError, OverflowError, TypeError, AttributeError, LookupError):
        raise InconclusiveError(f"{path} is no YAML that can be read safely") from None
    except RecursionError:
        raise InconclusiveError(f"{path} is nested deeper than any configuration") from None


def _walk(node: yaml.Node, at: Keys, lines: dict[Keys, int]) -> None:
    """Note the line of every value, each time that it is referred to."""
    if len(lines) > _NODES or node.tag not in _PLAIN:
        raise ValueError("too many values, or a tag that is not plain")
    lines[at] = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise TypeError("a key that is no scalar")
            if key.tag not in _PLAIN:  # `<<`, which copies mappings into each other
                raise ValueError("a merge key")
            _walk(value, (*at, key.value), lines)
    elif isinstance(node, yaml.SequenceNode):
        for position, value in enumerate(node.value):
            _walk(value, (*at, position), lines)
