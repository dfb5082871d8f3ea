"""Checksums of metadata: a CRC32C over a whole structure, its own four bytes taken for zeros."""

from __future__ import annotations

from amigate.disk.blocks import IncompleteError
from amigate.disk.crc32c import crc32c


def verify(structure: bytes, at: int, what: str) -> None:
    """Raise IncompleteError about `what` where the checksum that lies `at` in `structure` is not right."""
    if crc32c(structure[:at] + bytes(4) + structure[at + 4 :]) != int.from_bytes(structure[at : at + 4], "little"):
        raise IncompleteError(f"{what} is damaged: its checksum is wrong")
