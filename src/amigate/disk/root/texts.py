"""Small files that say how a machine starts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amigate.disk.blocks import IncompleteError
from amigate.evidence.file_system import LoopError, matches, resolve
from amigate.evidence.script import GLOB_LIMIT

if TYPE_CHECKING:
    from amigate.evidence.file_system import FileSystem

CAP_BYTES = 1024 * 1024


def is_there(files: FileSystem, path: str) -> bool:
    """Whether `path` leads somewhere, be it to a link that does not; raises OSError where that cannot be told."""
    try:
        files.lstat(resolve(files, path, follow_last=False))
    except (FileNotFoundError, NotADirectoryError, LoopError):
        return False
    return True


def text(files: FileSystem, path: str) -> bytes:
    """Return a file's content, nothing where there is none; raises OSError, also where it is too large."""
    try:
        found = files.read(resolve(files, path), CAP_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError, LoopError):
        return b""
    if len(found) > CAP_BYTES:
        raise IncompleteError(f"{path} is larger than {CAP_BYTES} bytes")
    return found


def paths(files: FileSystem, pattern: str) -> list[str]:
    """Return what a pattern means; raises OSError, also where that is more than anybody has."""
    found = matches(files, pattern)
    if len(found) > GLOB_LIMIT:
        raise IncompleteError(f"more than {GLOB_LIMIT} entries are {pattern}")
    return found
