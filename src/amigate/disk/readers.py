"""The readers of file systems, by kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amigate.disk.blocks import UnsupportedError
from amigate.disk.ext import Ext
from amigate.disk.xfs import Xfs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from amigate.disk.blocks import Blocks
    from amigate.disk.reader import Reader

_READERS: Mapping[str, Callable[[Blocks], Reader]] = {"ext2": Ext, "ext3": Ext, "ext4": Ext, "xfs": Xfs}
READ = frozenset(_READERS)
"""The kinds of file systems that are read, as blkid(8) calls them."""


def open_reader(blocks: Blocks, kind: str) -> Reader:
    """Return a reader of the file system of a volume, whose kind a survey told.

    Raises UnsupportedError for another kind or a feature that is not read, IncompleteError for damage."""
    if kind not in _READERS:
        raise UnsupportedError(f"{kind} is not read")
    return _READERS[kind](blocks)
