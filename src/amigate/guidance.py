"""What there is to say of a rule beside what its check declares: how it is decided, and a fix before and after."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import yaml

from amigate.topics import folder, topics

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, kw_only=True)
class Guidance:
    """How one rule is decided, and what mends a violation."""

    decided: str
    before: str
    """An example of what violates the rule; lines, of which the last has no end."""
    after: str
    """The same, mended."""


@cache
def guidance() -> Mapping[str, Guidance]:
    """Return what is said of each rule, by id, topic by topic; also of rules of which there is no check yet."""
    found: dict[str, Guidance] = {}
    for topic in topics():
        text = (folder() / f"{topic}.yaml").read_text(encoding="utf-8")
        for rule, said in yaml.safe_load(text).items():
            found[rule] = Guidance(**{name: value.rstrip("\n") for name, value in said.items()})
    return found
