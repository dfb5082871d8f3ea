"""Where built images live, and how two builders keep out of each other's way."""

from __future__ import annotations

import fcntl
import hashlib
import os
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

PACKAGE = Path(__file__).parent
GUEST_FILES = PACKAGE.parent / "image"

_UNUSED_DAYS = 14


@dataclass(frozen=True, kw_only=True)
class CachedImage:
    """A disk image that was built before."""

    name: str
    """The image and its defects, joined by `+`."""
    path: Path
    size_bytes: int
    """Bytes on disk."""


def root() -> Path:
    """Return the cache folder: $AMIGATE_CACHE, else amigate under $XDG_CACHE_HOME, else ~/.cache/amigate."""
    if own := os.environ.get("AMIGATE_CACHE"):
        return Path(own)
    shared = os.environ.get("XDG_CACHE_HOME")
    return (Path(shared) if shared else Path.home() / ".cache") / "amigate"


def folder(name: str) -> Path:
    """Return a folder of the cache, made when it is missing."""
    path = root() / name
    path.mkdir(parents=True, exist_ok=True)
    return path


def digest(parts: Iterable[str | bytes], *, sources: Iterable[Path] = ()) -> str:
    """Sixteen hex digits over texts and the content of files, wherever those lie; any change gives another digest."""
    total = hashlib.sha256()
    ordered = sorted(sources, key=lambda path: (path.parent.name, path.name))
    for part in (*parts, *(path.read_bytes() for path in ordered)):
        data = part.encode() if isinstance(part, str) else part
        total.update(b"%d:" % len(data) + data)
    return total.hexdigest()[:16]


@contextmanager
def one_builder(path: Path) -> Iterator[None]:
    """Hold the lock of a file to be made; a second builder waits and then finds it ready."""
    lock = folder("locks") / f"{path.name}.lock"
    with lock.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def cached() -> list[CachedImage]:
    """Images in the cache, by name."""
    found = (
        CachedImage(name=path.name.rpartition("-")[0], path=path, size_bytes=path.stat().st_blocks * 512)
        for path in folder("images").glob("*.qcow2")
    )
    return sorted(found, key=lambda image: image.name)


def touch(path: Path) -> None:
    """Note that an image is used today."""
    os.utime(path)


def prune() -> None:
    """Remove images that nobody has used for two weeks: most were built by an older version."""
    oldest = time.time() - _UNUSED_DAYS * 86400
    for path in folder("images").glob("*.qcow2"):
        if path.stat().st_mtime < oldest:
            path.unlink(missing_ok=True)
