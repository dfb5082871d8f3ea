"""The reader of a file system, by what its volume holds."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from amigate.disk import ext, fat, xfs
from amigate.disk.blocks import UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from amigate.disk.blocks import Blocks
    from amigate.disk.reader import Reader

READERS: Mapping[str, Callable[[Blocks], Reader]] = {
    "ext2": ext.Ext,
    "ext3": ext.Ext,
    "ext4": ext.Ext,
    "vfat": fat.Fat,
    "xfs": xfs.Xfs,
}
"""Kind of file system, as blkid(8) calls it, to what reads it."""
_ASK_FIRST: Mapping[str, Callable[[Blocks], None]] = {
    "ext2": ext.ask_first,
    "ext3": ext.ask_first,
    "ext4": ext.ask_first,
    "vfat": fat.ask_first,
    "xfs": xfs.ask_first,
}
"""To what asks for what opening it reads, and the first lookups, as far as the start of the volume tells it."""


def ask_first(kind: str, blocks: Blocks) -> None:
    """Ask for what is read first of a file system, so that those of several volumes come at the same time."""
    if kind in _ASK_FIRST:
        with suppress(OSError):
            _ASK_FIRST[kind](blocks)


def open_reader(kind: str, blocks: Blocks) -> Reader:
    """Return the reader of a file system; raises UnsupportedError or IncompleteError where it cannot be read."""
    if kind not in READERS:
        raise UnsupportedError(f"{kind} is not read")
    return READERS[kind](blocks)
