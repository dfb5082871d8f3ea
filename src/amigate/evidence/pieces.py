"""Reading the whole of a file at rest, piece by piece where the file system can."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amigate.evidence.file_system import InPieces

if TYPE_CHECKING:
    from collections.abc import Iterator

    from amigate.evidence.file_system import FileSystem

AT_ONCE_BYTES = 64 * 1024 * 1024
"""Largest file that is read where it comes in one piece only."""


class TooLargeError(OSError):
    """A file is larger than is read of it."""


def pieces(files: FileSystem, path: str) -> Iterator[bytes]:
    """Yield the content of a regular file; raises OSError where some of it cannot be read."""
    if isinstance(files, InPieces):
        yield from files.pieces(path)
        return
    content = files.read(path, AT_ONCE_BYTES + 1)
    if len(content) > AT_ONCE_BYTES:
        raise TooLargeError(path)
    yield content
