"""Images of the user's own, converted into the cache once and kept until the user removes them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from amigate.errors import UsageError
from amigate.sandbox.images import cache

if TYPE_CHECKING:
    from pathlib import Path

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")


@dataclass(frozen=True, kw_only=True)
class Imported:
    """A disk image that was imported."""

    name: str
    path: Path
    """A self-contained qcow2 file."""
    memory_mib: int
    """What a guest needs at least."""


def folder() -> Path:
    """Return where imported images are."""
    return cache.folder("imported")


def images() -> list[Imported]:
    """Every imported image, by name."""
    return [_read(path) for path in sorted(folder().glob("*.qcow2")) if path.with_suffix(".json").exists()]


def find(name: str) -> Imported:
    """Return the imported image of that name; raises UsageError if there is none."""
    for image in images():
        if image.name == name:
            return image
    raise UsageError(f"no imported image is called {name!r}", hint="see: amigate sandbox images list")


def remove(name: str) -> None:
    """Remove an imported image; an instance that runs from it keeps its disk."""
    image = find(name)
    image.path.unlink()
    image.path.with_suffix(".json").unlink()


def _read(path: Path) -> Imported:
    kept = json.loads(path.with_suffix(".json").read_text())
    return Imported(name=path.stem, path=path, memory_mib=int(kept["memory_mib"]))
