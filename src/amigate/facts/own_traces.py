"""What a test of amigate's own leaves on the instance that it launches, and no image should have.

Files on tmpfs are gone with the instance; these lie on its disk, and so in a snapshot of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from amigate.evidence.keep import Keep
from amigate.evidence.questions import Glob, Needs, ReadFile
from amigate.evidence.script import FOLDERS
from amigate.facts import authorized_keys
from amigate.facts.asked import is_at_rest
from amigate.facts.host_keys import CLOCK
from amigate.result import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from amigate.evidence.model import View
    from amigate.evidence.questions import Question

_FOLDERS = tuple(Glob(f"{folder}/.amigate-*", Keep.NOTHING) for folder in FOLDERS)
_KEY_NAME = re.compile(r"\samigate-[0-9a-f]{10}-\w+\s*$", re.ASCII)
"""The name of a launch key, which EC2 hands to the instance as the key's comment."""


@dataclass(frozen=True, kw_only=True)
class OwnTraces:
    """The traces that there are."""

    found: tuple[Finding, ...]

    @classmethod
    def read(cls, view: View) -> OwnTraces:
        """Look for folders of the collector and for launch keys; raises InconclusiveError where that was not seen."""
        return cls(found=(*_collectors(view), *_launch_keys(view)))


def _collectors(view: View) -> Iterator[Finding]:
    for question in _FOLDERS:
        for entry in view.glob(question.key):
            yield Finding(path=entry.path, detail="the collector of amigate has left its folder")


def _launch_keys(view: View) -> Iterator[Finding]:
    for path in dict.fromkeys(path for question in authorized_keys.key_files(view) for path in _paths(view, question)):
        for number, line in enumerate((view.text(path) or "").split("\n"), 1):
            if _KEY_NAME.search(line):
                yield Finding(path=path, line=number, detail="a launch key of amigate's own test")


def _paths(view: View, question: ReadFile | Glob) -> list[str]:
    return [question.path] if isinstance(question, ReadFile) else [entry.path for entry in view.glob(question.key)]


def _then(view: View) -> Iterator[Question]:
    if is_at_rest(view):
        yield from _FOLDERS
        yield from authorized_keys.key_files(view)


NEEDS = Needs(first=(CLOCK,), then=_then)
