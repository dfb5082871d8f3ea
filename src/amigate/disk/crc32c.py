"""CRC32C (Castagnoli), with which ext4 and XFS protect their metadata.

The library's own functions, as some are called once for every inode."""

from __future__ import annotations

from typing import TYPE_CHECKING

import google_crc32c

if TYPE_CHECKING:
    from collections.abc import Callable

crc32c: Callable[[bytes], int] = google_crc32c.value
"""Returns the CRC32C of some bytes."""
extended: Callable[[int, bytes], int] = google_crc32c.extend
"""Returns the CRC32C of what the first argument is that of, followed by the second."""
