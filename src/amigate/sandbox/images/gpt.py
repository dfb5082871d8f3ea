"""A GPT disk in a file, without root and without loop devices.

Layout as in Debian's EC2 images: partition 1 is the root file system, 14 the BIOS boot partition.
Format: https://uefi.org/specs/UEFI/2.10/05_GUID_Partition_Table_Format.html"""

from __future__ import annotations

import binascii
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import BinaryIO

SECTOR = 512
ROOT_X86_64 = UUID("4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709")
BIOS_BOOT = UUID("21686148-6449-6E6F-744E-656564454649")

_ENTRIES = 128
_ENTRY_BYTES = 128
_TABLE_SECTORS = _ENTRIES * _ENTRY_BYTES // SECTOR
_FIRST_USABLE = 2 + _TABLE_SECTORS


@dataclass(frozen=True, kw_only=True)
class Partition:
    """One partition; sectors are inclusive."""

    kind: UUID
    uuid: UUID
    first: int
    last: int
    name: str

    @property
    def offset_bytes(self) -> int:
        """Where it starts on the disk."""
        return self.first * SECTOR

    @property
    def size_bytes(self) -> int:
        """How long it is."""
        return (self.last - self.first + 1) * SECTOR


def write(disk: BinaryIO, partitions: Mapping[int, Partition], *, sectors: int, uuid: UUID) -> None:
    """Write the protective MBR and both copies of the table to a disk of so many sectors."""
    table = _table(partitions)
    last = sectors - 1
    for here, other, table_at in ((1, last, 2), (last, 1, last - _TABLE_SECTORS)):
        disk.seek(table_at * SECTOR)
        disk.write(table)
        disk.seek(here * SECTOR)
        disk.write(_header(here, other, table_at, binascii.crc32(table), sectors, uuid))
    disk.seek(446)
    disk.write(_protective_mbr(sectors))


def _table(partitions: Mapping[int, Partition]) -> bytes:
    table = bytearray(_ENTRIES * _ENTRY_BYTES)
    for number, part in partitions.items():
        entry = (part.kind.bytes_le, part.uuid.bytes_le, part.first, part.last, 0, part.name.encode("utf-16-le"))
        struct.pack_into("<16s16sQQQ72s", table, (number - 1) * _ENTRY_BYTES, *entry)
    return bytes(table)


def _header(here: int, other: int, table_at: int, table_crc: int, sectors: int, uuid: UUID) -> bytes:  # noqa: PLR0913, PLR0917 - fields of the format
    last_usable = sectors - 2 - _TABLE_SECTORS
    fields = (here, other, _FIRST_USABLE, last_usable, uuid.bytes_le, table_at, _ENTRIES, _ENTRY_BYTES, table_crc)
    header = struct.pack("<8sIIIIQQQQ16sQIII", b"EFI PART", 0x10000, 92, 0, 0, *fields)
    crc = struct.pack("<I", binascii.crc32(header))
    return (header[:16] + crc + header[20:]).ljust(SECTOR, b"\0")


def _protective_mbr(sectors: int) -> bytes:
    """One bootable entry of type EE over the whole disk, and the boot signature."""
    size = min(sectors - 1, 0xFFFFFFFF)
    entry = struct.pack("<B3sB3sII", 0x80, b"\0\2\0", 0xEE, b"\xff\xff\xff", 1, size)
    return entry + bytes(48) + b"\x55\xaa"
