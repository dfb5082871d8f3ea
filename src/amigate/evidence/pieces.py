"""Reading the whole of a file at rest, piece by piece where the file system can."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, TypeGuard

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
    if _is_in_pieces(files):
        yield from files.pieces(path)
        return
    content = files.read(path, AT_ONCE_BYTES + 1)
    if len(content) > AT_ONCE_BYTES:
        raise TooLargeError(path)
    yield content


def _is_in_pieces(files: FileSystem) -> TypeGuard[InPieces]:
    return _has_pieces(type(files))


@cache
def _has_pieces(kind: type) -> bool:
    """Whether a class reads in pieces; to ask that of a protocol takes longer than to read a small file."""
    return issubclass(kind, InPieces)
