"""CRC32C (Castagnoli), with which ext4 and XFS protect their metadata."""

from __future__ import annotations

import google_crc32c


def crc32c(data: bytes, crc: int = 0) -> int:
    """Return the CRC32C of `data`; with `crc`, of what that is the CRC32C of, followed by `data`."""
    return int(google_crc32c.extend(crc, data))
