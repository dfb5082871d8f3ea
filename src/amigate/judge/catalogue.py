"""The checks that there are: discovered in `amigate.checks`, one function per rule."""

from __future__ import annotations

import importlib
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from amigate.check import check_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from amigate.check import Check


def folder() -> Path:
    """Return the folder of the shipped checks."""
    return Path(str(files("amigate.checks")))


@cache
def checks() -> Mapping[str, Check]:
    """Return every shipped check by rule id; raises ValueError when an id is declared twice."""
    found: dict[str, Check] = {}
    for path in sorted(folder().glob("test_*.py")):
        module = importlib.import_module(f"amigate.checks.{path.stem}")
        for value in vars(module).values():
            declared = check_of(value)
            if declared is not None:
                if declared.id in found:
                    raise ValueError(f"{path}: rule {declared.id} is declared twice")
                found[declared.id] = declared
    return found
