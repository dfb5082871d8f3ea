"""Which partition table of a disk counts."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from amigate.disk.blocks import IncompleteError
from amigate.disk.pieces import part
from amigate.disk.volumes import gpt, mbr
from amigate.disk.volumes.signatures import recognise, telling

if TYPE_CHECKING:
    from amigate.disk.blocks import Blocks
    from amigate.disk.volumes.table import Partition, Table

_LARGE_SECTOR = 4096


def find(disk: Blocks) -> Table | None:
    """Return the table that Linux goes by, None where a file system or nothing takes the whole disk.

    A GPT counts where the master boot record announces it. One that nothing announces counts only where the disk says
    nothing else. Raises IncompleteError for a table that is damaged, UnsupportedError for one that is not read."""
    entries = mbr.entries(disk)
    if entries and all(entry.type != mbr.PROTECTIVE for entry in entries):
        return _mbr(disk)
    if not entries and recognise(disk):
        return None
    try:
        return gpt.read(disk)
    except gpt.NoTableError:
        if entries:
            raise IncompleteError("the master boot record announces a GPT partition table, and there is none") from None
        return None


def _mbr(disk: Blocks) -> Table | None:
    """Return the table by sectors of 512 bytes, unless only by 4096 its partitions hold anything that is known."""
    table = mbr.read(disk)
    if table:
        disk.prefetch([place for each in table.partitions for place in telling(each.extent)])
    if table and not any(_is_known(disk, each) for each in table.partitions):
        larger = mbr.read(disk, _LARGE_SECTOR)
        if larger and any(_is_known(disk, each) for each in larger.partitions):
            return larger
    return table


def _is_known(disk: Blocks, partition: Partition) -> bool:
    with suppress(OSError):
        return bool(recognise(part(disk, partition.extent.offset, partition.extent.length)))
    return False
