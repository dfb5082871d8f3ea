"""Topics of rules: what an id begins with, one file of guidance for each."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path

OWN = "own"
"""The topic of a user's own tests."""
EVERY = "-*"
"""Ends the name of a topic where a profile means all rules of it."""


def folder() -> Path:
    """Return the folder with a file for each topic."""
    return Path(str(files("amigate.checks"))) / "guidance"


@cache
def topics() -> tuple[str, ...]:
    """Return every topic of the shipped rules, sorted."""
    return tuple(sorted(path.stem for path in folder().glob("*.yaml")))


def topic_of(rule: str) -> str:
    """Return the topic of a rule by its id."""
    return max((topic for topic in topics() if rule.startswith(f"{topic}-")), key=len, default=OWN)
