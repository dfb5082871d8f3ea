"""The boot sector: geometry of the file system."""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct
from typing import TYPE_CHECKING, NamedTuple

from amigate.disk.blocks import IncompleteError, UnsupportedError

if TYPE_CHECKING:
    from amigate.disk.blocks import Blocks

ENTRY = 32
"""Bytes of an entry of a folder."""
FIRST = 2
"""The number of the first cluster."""
_BYTES = 512
_RAW = Struct("<11x HBHBHHBH 8x II HHI")
_SIGNATURE = b"\x55\xaa"
_OLD_SERIAL, _SERIAL = 38, 66
"""Where FAT12 and FAT16, and FAT32, say that a serial number follows, by one of two bytes."""
_HAS_SERIAL = (0x28, 0x29)
_SECTORS = frozenset({512, 1024, 2048, 4096})
_FIXED, _REMOVABLE = 0xF8, 0xF0
"""Media: from the first on, or the second."""
_MOST_TABLES = 4
"""As mkfs.fat(8) makes at most."""
_MOST = {12: 0xFF4, 16: 0xFFF4, 32: 1 << 24}
"""Clusters of each kind, at most: as Linux' MAX_FAT12 and MAX_FAT16; of FAT32 so many are read, 512 GiB of 32 KiB."""
_NO_MIRROR, _ACTIVE = 0x80, 0x0F


@dataclass(frozen=True, kw_only=True)
class Geometry:
    """What is where. All but the size of a sector is counted in sectors."""

    sector_log: int
    """Bytes of a sector, as a power of two."""
    cluster: int
    table: int
    """Where the first table of clusters begins; its copies follow."""
    tables: int
    """How many of them say the same."""
    table_length: int
    bits: int
    """Of an entry of the table: 12, 16 or 32."""
    root: int
    """Where the root folder of FAT12 and FAT16 begins."""
    root_length: int
    """0 where the root is a chain of clusters as other folders are."""
    root_cluster: int
    data: int
    """Where the first cluster begins."""
    clusters: int
    serial: str
    """As blkid(8) prints it."""

    @property
    def end(self) -> int:
        """The number after that of the last cluster."""
        return FIRST + self.clusters

    @property
    def cluster_bytes(self) -> int:
        """Bytes of a cluster."""
        return self.cluster << self.sector_log

    def place(self, cluster: int) -> int:
        """Return the first sector of a cluster."""
        return self.data + (cluster - FIRST) * self.cluster

    def cluster_at(self, offset: int) -> int:
        """Return the number of the cluster that holds a byte; there may be none of that number."""
        return ((offset >> self.sector_log) - self.data) // self.cluster + FIRST


class _Raw(NamedTuple):
    """What of the boot sector is read, as it lies there."""

    sector: int
    cluster: int
    reserved: int
    tables: int
    root_entries: int
    sectors_16: int
    media: int
    table_length_16: int
    sectors_32: int
    table_length_32: int
    mirroring: int
    version: int
    root_cluster: int

    @property
    def is_32(self) -> bool:
        """Whether it is FAT32, which is told by this and not by the number of clusters."""
        return not self.table_length_16


def read_boot_sector(blocks: Blocks) -> Geometry:
    """Return the geometry; raises UnsupportedError for what is not read, IncompleteError for what is damaged."""
    start = blocks.read(0, _BYTES) if blocks.size >= _BYTES else bytes(_BYTES)
    if not start.endswith(_SIGNATURE):
        raise UnsupportedError("this is no FAT file system")
    raw = _Raw._make(_RAW.unpack_from(start))
    _require_sane(raw)
    table_length = raw.table_length_16 or raw.table_length_32
    root_length = raw.root_entries * ENTRY // raw.sector
    root = raw.reserved + raw.tables * table_length
    data = root + root_length
    sectors = raw.sectors_16 or raw.sectors_32
    clusters = (sectors - data) // raw.cluster
    bits = 32 if raw.is_32 else 16 if clusters > _MOST[12] else 12
    if sectors * raw.sector > blocks.size:
        raise IncompleteError("the FAT file system is larger than its volume")
    if clusters <= 0 or (clusters + FIRST) * bits > table_length * raw.sector * 8:
        raise IncompleteError("the boot sector of the FAT file system is damaged: its sizes cannot be")
    if clusters > _MOST[bits]:
        raise UnsupportedError(f"a FAT file system of {clusters} clusters is not read")
    return Geometry(
        sector_log=raw.sector.bit_length() - 1,
        cluster=raw.cluster,
        table=raw.reserved,
        tables=1 if raw.is_32 and raw.mirroring & _NO_MIRROR else raw.tables,
        table_length=table_length,
        bits=bits,
        root=root,
        root_length=root_length,
        root_cluster=raw.root_cluster if raw.is_32 else 0,
        data=data,
        clusters=clusters,
        serial=_serial(start, _SERIAL if raw.is_32 else _OLD_SERIAL),
    )


def _require_sane(raw: _Raw) -> None:
    """Raise unless each field is one that there is."""
    is_sane = (
        raw.sector in _SECTORS
        and raw.cluster.bit_count() == 1
        and raw.reserved
        and raw.tables
        and (raw.media >= _FIXED or raw.media == _REMOVABLE)
        and not raw.root_entries * ENTRY % raw.sector
        and (not raw.sectors_16 or raw.sectors_32 in {0, raw.sectors_16})
        and bool(raw.root_entries) != raw.is_32
        and (raw.table_length_32 or not raw.is_32)
    )
    if not is_sane:
        raise IncompleteError("the boot sector of the FAT file system is damaged: its sizes cannot be")
    if raw.tables > _MOST_TABLES:
        raise UnsupportedError(f"a FAT file system with {raw.tables} tables is not read")
    if raw.is_32 and raw.version:
        raise UnsupportedError(f"FAT32 of version {raw.version >> 8}.{raw.version & 0xFF} is not read")
    if raw.is_32 and raw.mirroring & _NO_MIRROR and raw.mirroring & _ACTIVE:
        # Linux reads the first nevertheless, firmware the one that is said to count.
        raise UnsupportedError("FAT32 whose first table does not count is not read")


def _serial(start: bytes, at: int) -> str:
    if start[at] not in _HAS_SERIAL:
        return ""
    high, low = start[at + 3 : at + 5][::-1].hex(), start[at + 1 : at + 3][::-1].hex()
    return f"{high}-{low}".upper()
