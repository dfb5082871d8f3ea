"""Files that a guest makes grow: its serial console, and what QEMU says of it. Only the end is kept."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

KEPT_BYTES = 65536
"""What EC2 keeps of a console."""
MOST_BYTES = 4 << 20
"""A file that is longer is cut down to its end."""


def end_of(path: Path) -> bytes:
    """Return what EC2 would keep of a file."""
    if not path.exists():
        return b""
    with path.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - KEPT_BYTES))
        return file.read(KEPT_BYTES)


def shorten(path: Path) -> None:
    """Cut a file that has grown too long down to its end, while somebody goes on appending to it.

    What is appended in between is lost; a guest that writes that much has no claim on it."""
    if not path.exists() or path.stat().st_size <= MOST_BYTES:
        return
    end = end_of(path)
    os.truncate(path, 0)
    with path.open("ab") as file:
        file.write(end)
