"""Every volume of every disk of an image, so that none is passed over."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from amigate.disk.blocks import Extent
from amigate.disk.pieces import Piece, Pieces, between, part
from amigate.disk.volumes import groups, tables
from amigate.disk.volumes.contents import LVM, Contents, failed, look
from amigate.disk.volumes.leftovers import MEBIBYTE, Space, leftovers, starts
from amigate.disk.volumes.signatures import telling
from amigate.disk.volumes.volume import State, Volume

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from amigate.disk.blocks import Blocks
    from amigate.disk.volumes.table import Partition, Table

_BOOT_AREA = Extent(0, MEBIBYTE)
_BOOT_REASON = "the start of the disk holds a boot loader and no files; its written blocks are searched"


def survey(disks: Sequence[tuple[str, Blocks]]) -> Sequence[Volume]:
    """Return every partition, logical volume and written stretch outside of them; `disks` are names and devices.

    Raises nothing for what a disk holds: a disk, a table or a volume that cannot be told is a volume `incomplete` or
    `unsupported`, so a verdict about it is inconclusive."""
    for _, disk in disks:
        disk.prefetch([Extent(0, min(_BOOT_AREA.length, disk.size)), *telling(Extent(0, disk.size))])
    tables_found = [(name, disk, _table_of(disk)) for name, disk in disks]
    found = [volume for name, disk, table in tables_found for volume in _of_disk(name, disk, table)]
    physical = [volume for volume in found if volume.kind == LVM and volume.state == State.READABLE]
    others = [volume for volume in found if volume.kind != LVM or volume.state != State.READABLE]
    return [*others, *groups.of_physical(physical)]


def _table_of(disk: Blocks) -> Table | OSError | None:
    """Return the partition table of a disk, or why it cannot be told; what its partitions show is asked for."""
    try:
        table = tables.find(disk)
    except OSError as error:
        return error
    if table is not None:
        places = [place for each in table.partitions for place in telling(each.extent)]
        disk.prefetch([*places, *starts(_outside("", disk, table))])
    return table


def _of_disk(name: str, disk: Blocks, table: Table | OSError | None) -> Iterator[Volume]:
    if isinstance(table, OSError):
        yield _volume(name, failed(table, "partition-table"), disk)
    elif table is None:
        yield _volume(name, look(disk), disk)
    else:
        yield from (_partition(name, disk, each, table.note) for each in table.partitions)
        yield from _table(name, disk, table)
        yield from leftovers(_outside(name, disk, table))


def _outside(name: str, disk: Blocks, table: Table) -> Space:
    taken = [each.extent for each in table.partitions if each.extent.length > 0]
    return Space(
        name=name,
        blocks=disk,
        taken=[*taken, *table.own],
        head=Extent(0, min(_BOOT_AREA.end, disk.size)),
        head_kind="boot-area",
        head_reason=_BOOT_REASON,
    )


def _partition(disk_name: str, disk: Blocks, partition: Partition, note: str) -> Volume:
    extent = partition.extent
    blocks: Blocks | None = None
    try:
        blocks = part(disk, extent.offset, extent.length)
        contents = look(blocks, partition.type)
    except OSError as error:
        contents = failed(error)
        there = min(extent.end, disk.size) - extent.offset
        blocks = part(disk, extent.offset, there) if there > 0 else None
    reason = "; ".join(filter(None, [contents.reason, note]))
    return replace(
        _volume(f"{disk_name}/p{partition.number}", replace(contents, reason=reason), blocks),
        type=partition.type,
        uuid=partition.uuid,
        label=partition.label,
    )


def _table(name: str, disk: Blocks, table: Table) -> Iterator[Volume]:
    """Yield the table as far as it lies outside of partitions, and what is wrong with it."""
    taken = [each.extent for each in table.partitions]
    own = sorted({gap for extent in table.own if extent.end <= disk.size for gap in between(taken, extent)})
    if own or table.damage:
        state = State.INCOMPLETE if table.damage else State.EXEMPT
        contents = Contents(kind="partition-table", state=state, reason=table.damage or "it divides the disk")
        blocks = Pieces([Piece(disk, extent.offset, extent.length) for extent in own]) if own else None
        yield _volume(f"{name}/table", contents, blocks)


def _volume(name: str, contents: Contents, blocks: Blocks | None) -> Volume:
    return Volume(name=name, kind=contents.kind, state=contents.state, reason=contents.reason, blocks=blocks)
