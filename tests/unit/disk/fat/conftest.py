"""Small FAT file systems in memory, made by mkfs.fat(8) and filled by hand, so that each byte can be made wrong."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from amigate.disk.blocks import Extent, IncompleteError
from amigate.disk.fat import Fat
from amigate.disk.fat.boot_sector import read_boot_sector
from amigate.disk.fat.names import checksum

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

KIB = 1 << 10
MASK = {12: 0xFFF, 16: 0xFFFF, 32: 0x0FFFFFFF}


@dataclass
class Image:
    """A device in memory that holds a FAT file system."""

    content: bytearray

    @property
    def size(self) -> int:
        return len(self.content)

    def read(self, offset: int, length: int) -> bytes:
        if offset < 0 or offset + length > self.size:
            raise IncompleteError("beyond the end of the device")
        return bytes(self.content[offset : offset + length])

    def prefetch(self, extents: Iterable[Extent]) -> None:
        assert all(0 <= each.offset < each.end <= self.size for each in extents)

    def written(self) -> Iterator[Extent]:
        yield Extent(0, self.size)

    def put(self, at: int, value: bytes) -> None:
        self.content[at : at + len(value)] = value

    def put_number(self, at: int, value: int, length: int) -> None:
        self.put(at, value.to_bytes(length, "little"))

    def at(self, cluster: int) -> int:
        """Return where a cluster lies; 0 is the root of FAT12 and FAT16."""
        geometry = read_boot_sector(self)
        return (geometry.place(cluster) if cluster else geometry.root) << geometry.sector_log

    def link(self, *clusters: int, end: int | None = None, tables: Iterable[int] = (0, 1)) -> None:
        """Chain clusters; the last leads to `end`, which is otherwise the mark of an end."""
        geometry = read_boot_sector(self)
        mask = MASK[geometry.bits]
        for cluster, following in zip(clusters, (*clusters[1:], mask if end is None else end), strict=True):
            for number in tables:
                start = geometry.table + number * geometry.table_length << geometry.sector_log
                bit = cluster * geometry.bits
                at, shift = start + bit // 8, bit % 8
                old = int.from_bytes(self.content[at : at + 4], "little")
                self.put_number(at, old & ~(mask << shift) | following << shift, 4)

    def folder(self, cluster: int, entries: Iterable[bytes]) -> None:
        """Write a folder's entries; a cluster with `.` and `..` where it is not the root."""
        self.put(self.at(cluster), b"".join(entries))

    def open(self) -> Fat:
        return Fat(self)


def entry(name: bytes, first: int = 0, size: int = 0, *, attributes: int = 0x20, case: int = 0) -> bytes:
    """Return an entry with a short name of eleven bytes."""
    assert len(name) == 11
    high, low = (first >> 16).to_bytes(2, "little"), (first & 0xFFFF).to_bytes(2, "little")
    return name + bytes((attributes, case)) + bytes(7) + high + bytes(4) + low + size.to_bytes(4, "little")


def folder(name: bytes, first: int) -> bytes:
    return entry(name, first, attributes=0x10)


def dots(own: int, above: int = 0) -> list[bytes]:
    """Return what a folder begins with."""
    return [folder(b".          ", own), folder(b"..         ", above)]


def parts(name: str, short: bytes) -> list[bytes]:
    """Return the entries of a long name, in the order in which they lie."""
    units = name.encode("utf-16-le")
    units += b"\0\0" if len(units) % 26 else b""
    units = units.ljust(-(-len(units) // 26) * 26, b"\xff")
    count = len(units) // 26
    found = []
    for number in range(count, 0, -1):
        part = units[26 * (number - 1) : 26 * number]
        head = bytes([number | (0x40 if number == count else 0)])
        found.append(head + part[:10] + bytes((0x0F, 0, checksum(short))) + part[10:22] + bytes(2) + part[22:])
    return found


@pytest.fixture
def made(tmp_path: Path) -> Callable[[int], Image]:
    """Return what makes an empty file system of FAT12, FAT16 or FAT32 with clusters of 512 bytes."""
    program = shutil.which("mkfs.fat", path="/usr/sbin:/sbin:/usr/bin")
    if program is None:
        pytest.skip("dosfstools is not installed")

    def make(bits: int, *options: str) -> Image:
        path = tmp_path / f"fat{bits}"
        with path.open("wb") as file:
            file.truncate({12: 256 * KIB, 16: 4096 * KIB, 32: 1024 * KIB}[bits])
        command = [program, "-F", str(bits), "-s", "1", "-a", *options, str(path)]
        subprocess.run(command, check=True, capture_output=True)
        return Image(bytearray(path.read_bytes()))

    return make
