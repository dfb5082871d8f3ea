"""The reader of a file system, by what its volume holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amigate.disk.blocks import UnsupportedError
from amigate.disk.ext import Ext
from amigate.disk.fat import Fat
from amigate.disk.xfs import Xfs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from amigate.disk.blocks import Blocks
    from amigate.disk.reader import Reader

READERS: Mapping[str, Callable[[Blocks], Reader]] = {"ext2": Ext, "ext3": Ext, "ext4": Ext, "vfat": Fat, "xfs": Xfs}
"""Kind of file system, as blkid(8) calls it, to what reads it."""


def open_reader(kind: str, blocks: Blocks) -> Reader:
    """Return the reader of a file system; raises UnsupportedError or IncompleteError where it cannot be read."""
    if kind not in READERS:
        raise UnsupportedError(f"{kind} is not read")
    return READERS[kind](blocks)
