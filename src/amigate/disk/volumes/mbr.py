"""Partition tables of the master boot record, with the chain of an extended partition.

Read as Linux reads them (block/partitions/msdos.c), which takes a partition without a type for one."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from amigate.disk.blocks import Extent, IncompleteError
from amigate.disk.volumes.table import Partition, Table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from amigate.disk.blocks import Blocks

PROTECTIVE = 0xEE
_EXTENDED = frozenset({0x05, 0x0F, 0x85})
_RECORD_BYTES = 512
_SIGNATURE = b"\x55\xaa"
_ENTRIES_AT, _ENTRIES_END = 446, 510
_ENTRY = struct.Struct("<B3xB3xII")
_DISK_ID_AT = 440
_FLAGS = frozenset({0, 0x80})
_FIRST_LOGICAL = 5
_MOST_RECORDS = 256
_SURE = 2
"""The first entries of a record in the chain; what stands in the others may be garbage."""


@dataclass(frozen=True)
class Entry:
    """One in use of the four of a record; in sectors."""

    number: int
    type: int
    first: int
    count: int

    @property
    def is_extended(self) -> bool:
        """Whether it holds partitions, not data."""
        return self.type in _EXTENDED


def entries(disk: Blocks) -> list[Entry]:
    """Return the entries in use of the master boot record; none where there is no such record."""
    if disk.size < _RECORD_BYTES:
        return []
    record = disk.read(0, _RECORD_BYTES)
    if record[-2:] != _SIGNATURE or any(
        flag not in _FLAGS for flag in record[_ENTRIES_AT : _ENTRIES_END : _ENTRY.size]
    ):
        return []  # the latter is the boot sector of a file system
    return _entries(record)


def read(disk: Blocks, sector: int = 512) -> Table | None:
    """Return the table, None without one; a chain of logical partitions that is damaged is said in it."""
    found = entries(disk)
    if not found:
        return None
    disk_id = int.from_bytes(disk.read(_DISK_ID_AT, 4), "little")
    own: list[Extent] = []
    logical: list[Entry] = []
    damage = ""
    for entry in found:
        if entry.is_extended:
            try:
                for record, within in _chain(disk, entry, sector):
                    own.append(record)
                    logical += within
            except IncompleteError as error:
                damage = f"the logical partitions cannot be told: {error}"
    numbered = [(entry.number, entry) for entry in found if not entry.is_extended]
    numbered += enumerate(logical, _FIRST_LOGICAL)
    partitions = (
        Partition(
            number=number,
            extent=Extent(entry.first * sector, entry.count * sector),
            type=f"{entry.type:#04x}",
            uuid=f"{disk_id:08x}-{number:02x}",
        )
        for number, entry in numbered
    )
    return Table(partitions=tuple(partitions), own=tuple(own), damage=damage)


def _entries(record: bytes) -> list[Entry]:
    fields = _ENTRY.iter_unpack(record[_ENTRIES_AT:_ENTRIES_END])
    found = [Entry(number, *rest) for number, (_, *rest) in enumerate(fields, 1)]
    return [entry for entry in found if entry.count]


def _chain(disk: Blocks, extended: Entry, sector: int) -> Iterator[tuple[Extent, list[Entry]]]:
    """Yield each record of the chain, and the partitions in it, counted from the start of the disk."""
    at, size = extended.first, extended.count
    seen: set[int] = set()
    while at not in seen and len(seen) < _MOST_RECORDS:
        seen.add(at)
        record = disk.read(at * sector, _RECORD_BYTES)
        if record[-2:] != _SIGNATURE:
            raise IncompleteError(f"there is no partition table in sector {at}, to which another leads")
        found = _entries(record)
        yield Extent(at * sector, sector), _data(found, at, size, extended)
        following = [entry for entry in found if entry.is_extended]
        if not following:
            return
        at, size = extended.first + following[0].first, following[0].count
    raise IncompleteError(f"they lead in a circle, or are more than {_MOST_RECORDS}")


def _data(found: list[Entry], at: int, size: int, extended: Entry) -> list[Entry]:
    moved = [Entry(entry.number, entry.type, at + entry.first, entry.count) for entry in found if not entry.is_extended]
    end = extended.first + extended.count
    return [
        entry
        for entry in moved
        if entry.number <= _SURE
        or (entry.first - at + entry.count <= size and extended.first <= entry.first <= end - entry.count)
    ]
