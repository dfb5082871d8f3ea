"""Partition tables that lie, loop or were cut short."""

from __future__ import annotations

import binascii
import io
import struct
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from amigate.disk.blocks import Extent, IncompleteError, UnsupportedError
from amigate.disk.volumes import gpt, mbr, tables
from amigate.disk.volumes.survey import survey
from amigate.disk.volumes.volume import State
from amigate.sandbox.images.gpt import ROOT_X86_64, Partition, write

if TYPE_CHECKING:
    from tests.unit.disk.conftest import Memory

SECTORS = 40_960
LINUX = 0x83


def gpt_disk(*spans: tuple[int, int], sectors: int = SECTORS) -> bytearray:
    """Return a disk with partitions from one sector up to and with another."""
    file = io.BytesIO(bytes(sectors * 512))
    parts = {
        number: Partition(kind=ROOT_X86_64, uuid=UUID(int=number), first=first, last=last, name=f"p{number}")
        for number, (first, last) in enumerate(spans, 1)
    }
    write(file, parts, sectors=sectors, uuid=UUID(int=99))
    return bytearray(file.getvalue())


def sealed(disk: bytearray, at: int = 512, **fields: tuple[int, str, int]) -> bytearray:
    """Change fields (offset, format, value) of a GPT header, and make its checksum right again."""
    for offset, kind, value in fields.values():
        struct.pack_into(kind, disk, at + offset, value)
    (size,) = struct.unpack_from("<I", disk, at + 12)
    struct.pack_into("<I", disk, at + 16, 0)
    struct.pack_into("<I", disk, at + 16, binascii.crc32(bytes(disk[at : at + size])))
    return disk


def record(*entries: tuple[int, int, int, int]) -> bytes:
    """Return a boot record of entries (flag, type, first, count)."""
    table = b"".join(struct.pack("<B3xB3xII", *entry) for entry in entries)
    return bytes(446) + table.ljust(64, b"\0") + b"\x55\xaa"


def mbr_disk(records: dict[int, bytes], sectors: int = SECTORS) -> bytes:
    disk = bytearray(sectors * 512)
    for sector, data in records.items():
        disk[sector * 512 : sector * 512 + 512] = data
    return bytes(disk)


def test_the_entries_of_a_gpt(memory: type[Memory]) -> None:
    table = tables.find(memory(bytes(gpt_disk((2048, 4095), (4096, 4096)))))
    assert table is not None
    assert [(each.number, each.extent) for each in table.partitions] == [
        (1, Extent(2048 * 512, 2048 * 512)),
        (2, Extent(4096 * 512, 512)),
    ]
    assert table.own == (
        Extent(512, 512),
        Extent(1024, 16384),
        Extent((SECTORS - 1) * 512, 512),
        Extent((SECTORS - 33) * 512, 16384),
    )


@pytest.mark.parametrize(
    "field,error",
    [
        ((80, "<I", 1 << 20), UnsupportedError),
        ((84, "<I", 100), UnsupportedError),
        ((84, "<I", 1 << 31), UnsupportedError),
        ((72, "<Q", 1 << 60), IncompleteError),
        ((72, "<Q", 3), IncompleteError),
        ((12, "<I", 20), IncompleteError),
        ((24, "<Q", 7), IncompleteError),
    ],
)
def test_a_header_that_lies_is_not_believed(
    memory: type[Memory], field: tuple[int, str, int], error: type[OSError]
) -> None:
    disk = gpt_disk((2048, 4095))
    disk[-512:] = bytes(512)
    with pytest.raises(error):
        gpt.read(memory(bytes(sealed(disk, change=field))))


def test_where_the_other_copy_is_does_not_matter_to_a_sound_one(memory: type[Memory]) -> None:
    disk = memory(bytes(sealed(gpt_disk((2048, 4095)), other=(32, "<Q", 1 << 62))))
    assert gpt.read(disk).note == ""


def test_a_gpt_that_nothing_announces(memory: type[Memory]) -> None:
    """It counts on a disk that says nothing else, and not beside other partitions or under a file system."""
    disk = gpt_disk((2048, 4095))
    bare = bytes(512) + disk[512:]
    assert tables.find(memory(bare)) is not None
    other = tables.find(memory(record((0, LINUX, 10_000, 500)) + disk[512:]))
    assert other is not None
    assert [each.type for each in other.partitions] == ["0x83"]
    assert tables.find(memory(b"XFSB" + bare[4:])) is None


def test_a_gpt_that_is_announced_and_not_there(memory: type[Memory]) -> None:
    disk = memory(mbr_disk({0: record((0, 0xEE, 1, SECTORS - 1))}))
    with pytest.raises(IncompleteError, match="announces a GPT"):
        tables.find(disk)
    (volume,) = survey([("disk", disk)])
    assert (volume.state, volume.kind) == (State.INCOMPLETE, "partition-table")


@pytest.mark.parametrize("span", [(2048, SECTORS), (SECTORS + 5, SECTORS + 9), (4095, 2048), (1 << 62, 1 << 63)])
def test_a_partition_that_is_not_all_on_the_disk_is_incomplete(memory: type[Memory], span: tuple[int, int]) -> None:
    volumes = {each.name: each for each in survey([("disk", memory(bytes(gpt_disk(span))))])}
    assert volumes["disk/p1"].state == State.INCOMPLETE


def test_where_partitions_show_what_they_hold_is_fetched_at_the_same_time(memory: type[Memory]) -> None:
    content = bytearray(gpt_disk((2048, 6143), (8192, 12_287)))
    content[6144 * 512] = 1
    disk = memory(bytes(content))
    survey([("disk", disk)])
    half = 1 << 19
    ends = [Extent(0, 2 * half), Extent(0, half), Extent(disk.size - half, half)]
    places = [2048 * 512, 6144 * 512 - half, 8192 * 512, 12_288 * 512 - half]
    assert disk.wanted[:7] == [*ends, *(Extent(place, half) for place in places)]
    assert Extent(6144 * 512, 2 * half) in disk.wanted, "what lies between the partitions too"


def test_the_boot_sector_of_a_file_system_is_no_table(memory: type[Memory]) -> None:
    assert mbr.read(memory(mbr_disk({0: record((0x41, LINUX, 2048, 100))}))) is None
    assert mbr.read(memory(mbr_disk({0: record()}))) is None
    assert mbr.read(memory(b"short")) is None


def test_a_partition_without_a_type_is_one_as_for_linux(memory: type[Memory]) -> None:
    table = mbr.read(memory(mbr_disk({0: record((0, 0, 2048, 100))})))
    assert table is not None
    assert [each.type for each in table.partitions] == ["0x00"]


def test_logical_partitions_that_lead_in_a_circle_end(memory: type[Memory]) -> None:
    first = record((0, LINUX, 63, 100), (0, 5, 0, 1000))
    disk = memory(mbr_disk({0: record((0, 5, 2048, 30_000)), 2048: first}))
    table = mbr.read(disk)
    assert table is not None
    assert "lead in a circle" in table.damage
    assert len(table.partitions) == 1
    volumes = {each.name: each for each in survey([("disk", disk)])}
    assert volumes["disk/table"].state == State.INCOMPLETE


def test_logical_partitions_without_end_end(memory: type[Memory]) -> None:
    links = {2048 + index: record((0, 5, index + 1, 1)) for index in range(300)}
    table = mbr.read(memory(mbr_disk({0: record((0, 5, 2048, 30_000)), **links})))
    assert table is not None
    assert "more than 256" in table.damage


@pytest.mark.parametrize("following", [5000, 1 << 31])
def test_a_chain_that_breaks_is_told_with_what_came_before(memory: type[Memory], following: int) -> None:
    first = record((0, LINUX, 63, 100), (0, 5, following, 1000))
    table = mbr.read(memory(mbr_disk({0: record((0, 5, 2048, 30_000)), 2048: first})))
    assert table is not None
    assert table.damage.startswith("the logical partitions cannot be told")
    assert [each.number for each in table.partitions] == [5]


def test_garbage_in_the_later_entries_of_a_chain_is_passed_over(memory: type[Memory]) -> None:
    first = record((0, LINUX, 63, 100), (0, 0, 0, 0), (0, 7, 9, 1 << 31), (0, 7, 200, 50))
    table = mbr.read(memory(mbr_disk({0: record((0, 5, 2048, 30_000)), 2048: first})))
    assert table is not None
    assert [each.extent.offset // 512 for each in table.partitions] == [2048 + 63, 2048 + 200]


def test_names_of_partitions_are_made_printable(memory: type[Memory]) -> None:
    disk = gpt_disk((2048, 4095))
    disk[1024 + 56 : 1024 + 60] = "\x1b\u202e".encode("utf-16-le")
    crc = binascii.crc32(bytes(disk[1024 : 1024 + 16384]))
    (partition,) = gpt.read(memory(bytes(sealed(disk, table=(88, "<I", crc))))).partitions
    assert partition.label == "??"
