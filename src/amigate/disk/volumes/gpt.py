"""GUID partition tables.

Format: https://uefi.org/specs/UEFI/2.10/05_GUID_Partition_Table_Format.html. As in Linux (block/partitions/efi.c), the
copy at the start counts, and the one at the end only where the first is damaged."""

from __future__ import annotations

import binascii
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from amigate.disk.blocks import Extent, IncompleteError, UnsupportedError
from amigate.disk.volumes.table import Partition, Table

if TYPE_CHECKING:
    from amigate.disk.blocks import Blocks

SECTORS = (512, 4096)
_MAGIC = b"EFI PART"
_HEADER = struct.Struct("<8sIIIIQQQQ16sQIII")
_ENTRY = struct.Struct("<16s16sQQQ72s")
_ENTRY_BYTES = frozenset(128 << power for power in range(6))
_MOST_ENTRIES = 4096
_CRC_AT = 16


class NoTableError(Exception):
    """There is no GPT here."""


@dataclass(frozen=True)
class _Header:
    """A header whose checksum is right."""

    here: int
    other: int
    table_at: int
    entries: int
    entry_bytes: int
    table_crc: int
    sector: int

    @property
    def own(self) -> tuple[Extent, Extent]:
        """Where it lies, and where its entries do."""
        length = -(-self.entries * self.entry_bytes // self.sector) * self.sector
        return Extent(self.here * self.sector, self.sector), Extent(self.table_at * self.sector, length)


def read(disk: Blocks) -> Table:
    """Return the table; raises NoTableError without one, IncompleteError where both copies are damaged."""
    damage = ""
    for sector in SECTORS:
        try:
            return _read(disk, _header(disk, 1, sector), "")
        except NoTableError:
            continue
        except IncompleteError as error:
            damage = damage or str(error)
    for sector, at in _backups(disk):
        try:
            backup = _header(disk, at, sector)
            return _read(disk, backup, f"the partition table is read from its backup ({damage or 'the first is gone'})")
        except (NoTableError, IncompleteError):
            continue
    if damage:
        raise IncompleteError(f"the GPT partition table is damaged: {damage}, and there is no sound backup")
    raise NoTableError


def _backups(disk: Blocks) -> list[tuple[int, int]]:
    """Return where a backup may be: in the last sector, or where a first header says, however damaged that is."""
    places = [(sector, disk.size // sector - 1) for sector in SECTORS]
    for sector in SECTORS:
        if disk.size >= 2 * sector:
            found = _HEADER.unpack(disk.read(sector, _HEADER.size))
            places += [(sector, found[6])] if found[0] == _MAGIC else []
    return places


def _header(disk: Blocks, at: int, sector: int) -> _Header:
    if at < 1 or (at + 1) * sector > disk.size:
        raise NoTableError
    data = disk.read(at * sector, sector)
    magic, _, size, crc, _, here, other, _, _, _, table_at, entries, entry_bytes, table_crc = _HEADER.unpack_from(data)
    if magic != _MAGIC:
        raise NoTableError
    if not _HEADER.size <= size <= sector:
        raise IncompleteError("its header has a length that cannot be")
    if binascii.crc32(data[:_CRC_AT] + bytes(4) + data[_CRC_AT + 4 : size]) != crc:
        raise IncompleteError("the checksum of its header is wrong")
    if here != at:
        raise IncompleteError("its header says that it lies elsewhere")
    return _Header(here, other, table_at, entries, entry_bytes, table_crc, sector)


def _read(disk: Blocks, header: _Header, note: str) -> Table:
    if header.entry_bytes not in _ENTRY_BYTES or header.entries > _MOST_ENTRIES:
        raise UnsupportedError(f"a partition table of {header.entries} entries of {header.entry_bytes} bytes")
    data = disk.read(header.table_at * header.sector, header.entries * header.entry_bytes)
    if binascii.crc32(data) != header.table_crc:
        raise IncompleteError("the checksum of its entries is wrong")
    entries = (data[at : at + header.entry_bytes] for at in range(0, len(data), header.entry_bytes))
    partitions = [
        _partition(number, entry, header.sector) for number, entry in enumerate(entries, 1) if any(entry[:16])
    ]
    return Table(partitions=tuple(partitions), own=(*header.own, *_other(disk, header)), note=note)


def _other(disk: Blocks, header: _Header) -> tuple[Extent, ...]:
    """Return where the other copy lies, if it is sound."""
    try:
        other = _header(disk, header.other, header.sector)
    except (NoTableError, IncompleteError):
        return ()
    return other.own if other.entries <= _MOST_ENTRIES and other.entry_bytes in _ENTRY_BYTES else ()


def _partition(number: int, entry: bytes, sector: int) -> Partition:
    kind, uuid, first, last, _, name = _ENTRY.unpack_from(entry)
    return Partition(
        number=number,
        extent=Extent(first * sector, (last - first + 1) * sector),
        type=str(UUID(bytes_le=kind)),
        uuid=str(UUID(bytes_le=uuid)),
        label="".join(c if c.isprintable() else "?" for c in name.decode("utf-16-le", "replace").split("\0")[0]),
    )
