"""The partition table, read back field by field as the UEFI specification lays it out."""

from __future__ import annotations

import binascii
import io
import struct
from uuid import UUID

import pytest

from amigate.sandbox.images import gpt

SECTORS = 8192
ROOT = gpt.Partition(kind=gpt.ROOT_X86_64, uuid=UUID(int=1), first=4096, last=6143, name="root")
BIOS = gpt.Partition(kind=gpt.BIOS_BOOT, uuid=UUID(int=2), first=2048, last=4095, name="bios")


@pytest.fixture
def disk() -> bytes:
    file = io.BytesIO(bytes(SECTORS * 512))
    gpt.write(file, {1: ROOT, 14: BIOS}, sectors=SECTORS, uuid=UUID(int=3))
    return file.getvalue()


def header(disk: bytes, sector: int) -> tuple[int, ...]:
    raw = disk[sector * 512 : sector * 512 + 92]
    assert raw[:8] == b"EFI PART"
    (crc,) = struct.unpack_from("<I", raw, 16)
    assert crc == binascii.crc32(raw[:16] + bytes(4) + raw[20:])
    return struct.unpack_from("<QQQQ16xQIII", raw, 24)


def test_both_headers_check_out_and_point_at_each_other(disk: bytes) -> None:
    here, other, first, last, table_at, count, size, _ = header(disk, 1)
    assert (here, other, first, last, table_at, count, size) == (1, SECTORS - 1, 34, SECTORS - 34, 2, 128, 128)
    here, other, *_ = header(disk, SECTORS - 1)
    assert (here, other) == (SECTORS - 1, 1)


def test_both_tables_are_equal_and_have_the_sum_that_the_headers_name(disk: bytes) -> None:
    for sector in (1, SECTORS - 1):
        table_at, *_, crc = header(disk, sector)[4:]
        table = disk[table_at * 512 :][: 128 * 128]
        assert binascii.crc32(table) == crc
        assert table == disk[1024:][: 128 * 128]


def test_each_partition_stands_at_its_number(disk: bytes) -> None:
    for number, part in ((1, ROOT), (14, BIOS)):
        kind, uuid, first, last, _, name = struct.unpack_from("<16s16sQQQ72s", disk, 1024 + 128 * (number - 1))
        assert (UUID(bytes_le=kind), UUID(bytes_le=uuid)) == (part.kind, part.uuid)
        assert (first, last) == (part.first, part.last)
        assert name.decode("utf-16-le").rstrip("\0") == part.name


def test_the_protective_mbr_covers_the_disk_and_leaves_boot_code_alone() -> None:
    file = io.BytesIO(b"\x90" * 440 + bytes(SECTORS * 512 - 440))
    gpt.write(file, {1: ROOT}, sectors=SECTORS, uuid=UUID(int=3))
    sector = file.getvalue()[:512]
    assert sector[:440] == b"\x90" * 440
    assert struct.unpack_from("<4xB3xII", sector, 446) == (0xEE, 1, SECTORS - 1)
    assert sector[510:] == b"\x55\xaa"


def test_a_partition_knows_its_place_in_bytes() -> None:
    assert (BIOS.offset_bytes, BIOS.size_bytes) == (2048 * 512, 2048 * 512)
