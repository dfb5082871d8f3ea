"""Disks and images that were damaged at random: no other error, no hang, no end of memory."""

from __future__ import annotations

import binascii
import io
import random
import resource
import struct
import subprocess
import time
from contextlib import suppress
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from amigate.disk.qcow2 import Qcow2
from amigate.disk.volumes.lvm_label import checksum
from amigate.disk.volumes.survey import survey
from amigate.sandbox.images.gpt import ROOT_X86_64, Partition, write

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.unit.disk.conftest import Memory

    from amigate.disk.blocks import Blocks

MOST_S = 5
MOST_MEMORY_KIB = 400 << 10
QUICK, LONG = 40, 1500
SECTORS = 16_384
SEGMENT = 'segment1 { start_extent = 0 extent_count = 2 type = "striped" stripe_count = 1 stripes = ["pv0", 1] }'
WIDE = (
    'segment1 { start_extent = 0 extent_count = 2 type = "striped" '
    'stripe_count = 2 stripe_size = 128 stripes = ["pv0", 0, "pv0", 3] }'
)
TEXT = f"""vg {{
id = "vvvvvv" seqno = 3 extent_size = 2048
physical_volumes {{ pv0 {{ id = "{"a" * 32}" pe_start = 2048 pe_count = 5 }} }}
logical_volumes {{ root {{ id = "r" segment_count = 1 {SEGMENT} }} wide {{ id = "w" segment_count = 1 {WIDE} }} }}
}}
"""


def gpt() -> bytes:
    file = io.BytesIO(bytes(SECTORS * 512))
    spans = {1: (2048, 4095), 14: (4096, 5000), 15: (8192, 9000)}
    parts = {
        number: Partition(kind=ROOT_X86_64, uuid=UUID(int=number), first=first, last=last, name="name")
        for number, (first, last) in spans.items()
    }
    write(file, parts, sectors=SECTORS, uuid=UUID(int=99))
    return file.getvalue()


def seal_gpt(disk: bytearray) -> None:
    for header, table in ((512, 1024), ((SECTORS - 1) * 512, (SECTORS - 33) * 512)):
        struct.pack_into("<I", disk, header + 88, binascii.crc32(bytes(disk[table : table + 16384])))
        struct.pack_into("<I", disk, header + 16, 0)
        struct.pack_into("<I", disk, header + 16, binascii.crc32(bytes(disk[header : header + 92])))


def mbr() -> bytes:
    def record(*entries: tuple[int, int, int, int]) -> bytes:
        return bytes(446) + b"".join(struct.pack("<B3xB3xII", *each) for each in entries).ljust(64, b"\0") + b"\x55\xaa"

    disk = bytearray(SECTORS * 512)
    disk[:512] = record((0x80, 0x83, 63, 900), (0, 5, 2048, 9000), (0, 0x82, 12_000, 500))
    disk[2048 * 512 : 2049 * 512] = record((0, 0x83, 63, 500), (0, 5, 1000, 2000))
    disk[3048 * 512 : 3049 * 512] = record((0, 0x8E, 63, 500))
    return bytes(disk)


def seal_lvm(disk: bytearray) -> None:
    struct.pack_into("<I", disk, 512 + 16, checksum(bytes(disk[532:1024])))
    offset, length = struct.unpack_from("<QQ", disk, 4096 + 40)
    if offset + length < 65536:
        struct.pack_into("<I", disk, 4096 + 56, checksum(bytes(disk[4096 + offset : 4096 + offset + length])))
    struct.pack_into("<I", disk, 4096, checksum(bytes(disk[4100:4608])))


def no_seal(_: bytearray) -> None:
    """Nothing has a checksum."""


Places = list[tuple[int, int]]
GPT_PLACES: Places = [(446, 66), (512, 92), (1024, 384), ((SECTORS - 1) * 512, 92), ((SECTORS - 33) * 512, 128)]
MBR_PLACES: Places = [(446, 66), (2048 * 512 + 446, 66), (3048 * 512 + 446, 66)]
LVM_PLACES: Places = [(512, 130), (4096, 80), (4608, len(TEXT)), (4608, len(TEXT))]


def damaged(base: bytes, places: Places, seal: Callable[[bytearray], None], number: int) -> bytes:
    """Change a few bytes, mostly to such as are telling, and often make the checksums right again."""
    seed = random.Random(number)  # noqa: S311 - damage
    disk = bytearray(base)
    for _ in range(seed.choice([1, 1, 2, 4, 16])):
        begin, length = seed.choice(places)
        at = begin + seed.randrange(length)
        disk[at] = seed.choice([0, 1, 0x7F, 0xFF, disk[at] ^ (1 << seed.randrange(8)), seed.randrange(256)])
    if seed.random() < 0.8:
        seal(disk)
    if seed.random() < 0.05:
        del disk[seed.randrange(len(disk)) :]
    return bytes(disk)


def touch(blocks: Blocks) -> None:
    """Read some of a device, as a reader of a file system would."""
    with suppress(OSError):
        blocks.prefetch([])
        blocks.read(0, min(blocks.size, 8192))
        blocks.read(max(blocks.size - 8192, 0), min(blocks.size, 8192))
        for count, extent in enumerate(blocks.written()):
            assert extent.length > 0
            assert extent.end <= blocks.size
            if count > 1000:
                break


def bounded(look: Callable[[], None], what: str) -> None:
    begin, before = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    look()
    assert time.monotonic() - begin < MOST_S, what
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MOST_MEMORY_KIB, what


def look_at_disk(disk: Blocks) -> None:
    for volume in survey([("disk", disk)]):
        assert volume.reason or volume.state.value == "readable"
        if volume.blocks is not None:
            touch(volume.blocks)


def fuzz_disk(memory: type[Memory], name: str, physical: bytes, numbers: range) -> None:
    base, places, seal = {
        "gpt": (gpt(), GPT_PLACES, seal_gpt),
        "mbr": (mbr(), MBR_PLACES, no_seal),
        "lvm": (physical, LVM_PLACES, seal_lvm),
    }[name]
    for number in numbers:
        disk = memory(damaged(base, places, seal, number))
        bounded(lambda disk=disk: look_at_disk(disk), f"{name} {number}")  # type: ignore[misc] # bound now


def fuzz_qcow2(memory: type[Memory], image: bytes, numbers: range) -> None:
    places: Places = [(0, 112), (0, 112), (0, len(image))]
    for cluster in range(0, len(image), 4096):
        places.append((cluster, 64))
    for number in numbers:
        file = memory(damaged(image, places, no_seal, number))

        def look(file: Memory = file) -> None:
            with suppress(OSError):
                disk = Qcow2(file)
                touch(disk)
                for offset in range(0, min(disk.size, 1 << 20), 8192):
                    with suppress(OSError):
                        disk.read(offset, min(8192, disk.size - offset))

        bounded(look, f"qcow2 {number}")


def qcow2(folder: Path, compression: str) -> bytes:
    plain, image = folder / "plain", folder / "image"
    seed = random.Random(1)  # noqa: S311 - content of a disk
    plain.write_bytes(b"".join(seed.choice([bytes(9000), b"text" * 3000, seed.randbytes(5000)]) for _ in range(40)))
    how = ["-c"] if compression != "none" else []
    options = "cluster_size=4k" + (f",compression_type={compression}" if how else "")
    command = ["qemu-img", "convert", *how, "-f", "raw", "-O", "qcow2", "-o", options, str(plain), str(image)]
    subprocess.run(command, check=True)
    return image.read_bytes()


@pytest.fixture
def physical(physical_volume: Callable[..., bytes]) -> bytes:
    return physical_volume(TEXT, size=8 << 20)


@pytest.mark.parametrize("name", ["gpt", "mbr", "lvm"])
def test_damaged_disks(memory: type[Memory], physical: bytes, name: str) -> None:
    fuzz_disk(memory, name, physical, range(QUICK))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["gpt", "mbr", "lvm"])
def test_many_damaged_disks(memory: type[Memory], physical: bytes, name: str) -> None:
    fuzz_disk(memory, name, physical, range(QUICK, LONG))


@pytest.mark.parametrize("compression", ["none", "zlib", "zstd"])
def test_damaged_qcow2_images(memory: type[Memory], tmp_path: Path, compression: str) -> None:
    fuzz_qcow2(memory, qcow2(tmp_path, compression), range(QUICK))


@pytest.mark.slow
@pytest.mark.parametrize("compression", ["none", "zlib", "zstd"])
def test_many_damaged_qcow2_images(memory: type[Memory], tmp_path: Path, compression: str) -> None:
    fuzz_qcow2(memory, qcow2(tmp_path, compression), range(QUICK, LONG))
