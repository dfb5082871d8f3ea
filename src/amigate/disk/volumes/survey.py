"""Every volume of every disk of an image, so that none is passed over."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from amigate.disk.blocks import Extent
from amigate.disk.pieces import Piece, Pieces, between, part
from amigate.disk.volumes import groups, tables
from amigate.disk.volumes.contents import LVM, Contents, failed, look
from amigate.disk.volumes.leftovers import MEBIBYTE, Space, leftovers
from amigate.disk.volumes.volume import State, Volume

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from amigate.disk.blocks import Blocks
    from amigate.disk.volumes.table import Partition, Table

_BOOT_AREA = Extent(0, MEBIBYTE)
_SHOWN_BYTES = 1 << 19
_BOOT_REASON = "the start of the disk holds a boot loader and no files; its written blocks are searched"


def survey(disks: Sequence[tuple[str, Blocks]]) -> Sequence[Volume]:
    """Return every partition, logical volume and written stretch outside of them; `disks` are names and devices.

    Raises nothing for what a disk holds: a disk, a table or a volume that cannot be told is a volume `incomplete` or
    `unsupported`, so a verdict about it is inconclusive."""
    found = [volume for name, disk in disks for volume in _of_disk(name, disk)]
    physical = [volume for volume in found if volume.kind == LVM and volume.state == State.READABLE]
    others = [volume for volume in found if volume.kind != LVM or volume.state != State.READABLE]
    return [*others, *groups.of_physical(physical)]


def _of_disk(name: str, disk: Blocks) -> Iterator[Volume]:
    try:
        table = tables.find(disk)
    except OSError as error:
        yield _volume(name, failed(error, "partition-table"), disk)
        return
    if table is None:
        yield _volume(name, look(disk), disk)
        return
    disk.prefetch(place for each in table.partitions for place in _telling(each.extent))
    yield from (_partition(name, disk, each, table.note) for each in table.partitions)
    yield from _table(name, disk, table)
    taken = [each.extent for each in table.partitions if each.extent.length > 0]
    yield from leftovers(
        Space(
            name=name,
            blocks=disk,
            taken=[*taken, *table.own],
            head=Extent(0, min(_BOOT_AREA.end, disk.size)),
            head_kind="boot-area",
            head_reason=_BOOT_REASON,
        )
    )


def _telling(extent: Extent) -> tuple[Extent, Extent]:
    """Return where a volume shows what it is: its start, and its end."""
    length = min(_SHOWN_BYTES, max(extent.length, 0))
    return Extent(extent.offset, length), Extent(extent.end - length, length)


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
