"""qcow2 images that need other files, are damaged, or lie; what qemu-img writes is in tests/contract/disk."""

from __future__ import annotations

import struct
import sys
import zlib
from typing import TYPE_CHECKING

import pytest

from amigate.disk.blocks import Extent, IncompleteError, UnsupportedError
from amigate.disk.inflate import inflate
from amigate.disk.qcow2 import Qcow2

if TYPE_CHECKING:
    from tests.unit.disk.conftest import Memory

CLUSTER = 512
L1, L2, DATA, END = 512, 1024, 1536, 2560
DISK = 64 * 2 * CLUSTER


def image(*entries: int, version: int = 3, data: bytes = b"") -> bytearray:
    """Return an image of 512-byte clusters: header, L1 table of two, one L2 table, two clusters of data."""
    found = bytearray(END)
    struct.pack_into(">4sIQIIQIIQ", found, 0, b"QFI\xfb", version, 0, 0, 9, DISK, 0, 2, L1)
    struct.pack_into(">QQQII", found, 72, 0, 0, 0, 4, 104)
    struct.pack_into(">2Q", found, L1, L2, 0)
    struct.pack_into(f">{len(entries)}Q", found, L2, *entries)
    found[DATA : DATA + 2 * CLUSTER] = b"a" * CLUSTER + b"b" * CLUSTER
    found[DATA : DATA + len(data)] = data
    return found


def change(found: bytearray, at: int, kind: str, value: int) -> bytes:
    struct.pack_into(kind, found, at, value)
    return bytes(found)


def test_clusters_lie_where_the_tables_say(memory: type[Memory]) -> None:
    file = memory(bytes(image(0, DATA, DATA + CLUSTER, 1, DATA | 1 << 63)))
    disk = Qcow2(file)
    assert disk.read(CLUSTER - 1, 2 * CLUSTER + 2) == b"\0" + b"a" * CLUSTER + b"b" * CLUSTER + b"\0"
    assert file.reads[-1] == Extent(DATA, 2 * CLUSTER)
    assert list(disk.written()) == [Extent(CLUSTER, 2 * CLUSTER), Extent(4 * CLUSTER, CLUSTER)]
    disk.prefetch([Extent(0, DISK), Extent(-5, 3), Extent(1 << 40, 5)])
    assert file.wanted == [Extent(DATA, 2 * CLUSTER), Extent(DATA, CLUSTER)]


def test_what_is_beyond_the_disk_is_not_read(memory: type[Memory]) -> None:
    with pytest.raises(IncompleteError):
        Qcow2(memory(bytes(image()))).read(DISK - 1, 2)


@pytest.mark.parametrize(
    "field,error,why",
    [
        ((0, ">I", 0), UnsupportedError, "unknown version"),
        ((4, ">I", 1), UnsupportedError, "unknown version"),
        ((4, ">I", 4), UnsupportedError, "unknown version"),
        ((8, ">Q", 400), UnsupportedError, "has a backing file"),
        ((20, ">I", 8), UnsupportedError, "cluster size"),
        ((20, ">I", 22), UnsupportedError, "cluster size"),
        ((24, ">Q", 1 << 62), IncompleteError, "its tables do not cover"),
        ((24, ">Q", DISK + 1), IncompleteError, "its tables do not cover"),
        ((32, ">I", 1), UnsupportedError, "encrypted"),
        ((32, ">I", 2), UnsupportedError, "encrypted"),
        ((36, ">I", 1), IncompleteError, "its tables do not cover"),
        ((40, ">Q", 600), IncompleteError, "lies askew"),
        ((40, ">Q", 1 << 50), IncompleteError, "beyond"),
        ((72, ">Q", 1), IncompleteError, "not closed"),
        ((72, ">Q", 2), IncompleteError, "corrupt"),
        ((72, ">Q", 4), UnsupportedError, "another file"),
        ((72, ">Q", 8), UnsupportedError, "compressed in a way"),
        ((72, ">Q", 16), UnsupportedError, "extended L2"),
        ((72, ">Q", 32), UnsupportedError, "not known here"),
        ((72, ">Q", 1 << 63), UnsupportedError, "not known here"),
        ((100, ">I", 96), IncompleteError, "a length that cannot be"),
        ((104, ">I", 0x44415441), UnsupportedError, "another file"),
        ((104, ">I", 0x0537BE77), UnsupportedError, "encrypted"),
        ((L1 + 8, ">Q", L2), IncompleteError, "share an L2 table"),
        ((L1, ">Q", L2 + (1 << 55)), IncompleteError, "beyond"),
    ],
)
def test_an_image_that_cannot_be_trusted_is_refused(
    memory: type[Memory], field: tuple[int, str, int], error: type[OSError], why: str
) -> None:
    with pytest.raises(error, match=why):
        Qcow2(memory(change(image(DATA), *field))).read(0, 1)


def test_an_image_cut_short_is_incomplete(memory: type[Memory]) -> None:
    whole = bytes(image(DATA + CLUSTER))
    for length in (0, 50, 80, 600, L2 + 5, END - 1):
        with pytest.raises(IncompleteError):
            Qcow2(memory(whole[:length])).read(0, CLUSTER)


def test_extensions_without_end_are_refused(memory: type[Memory]) -> None:
    whole = image()
    whole[104:512] = struct.pack(">II", 7, 0) * 51
    Qcow2(memory(bytes(whole)))
    wide = change(whole, 20, ">I", 12)
    wide = wide[:104] + struct.pack(">II", 7, 0) * 499
    with pytest.raises(IncompleteError, match="no end"):
        Qcow2(memory(wide + bytes(1 << 16)))


@pytest.mark.parametrize("version,error", [(2, IncompleteError), (3, None)])
def test_zero_clusters_are_of_version_3(memory: type[Memory], version: int, error: type[OSError] | None) -> None:
    disk = Qcow2(memory(bytes(image(1, version=version))))
    if error is None:
        assert disk.read(0, 10) == bytes(10)
    else:
        with pytest.raises(error, match="version does not know"):
            disk.read(0, 10)


def test_a_wide_cluster_that_lies_askew_is_incomplete(memory: type[Memory]) -> None:
    whole = bytearray(1 << 16)
    struct.pack_into(">4sIQIIQIIQ", whole, 0, b"QFI\xfb", 2, 0, 0, 12, 1 << 20, 0, 1, 4096)
    struct.pack_into(">Q", whole, 4096, 8192)
    struct.pack_into(">Q", whole, 8192, 12288 + 512)
    disk = Qcow2(memory(bytes(whole)))
    disk.prefetch([Extent(0, 4096)])
    with pytest.raises(IncompleteError, match="where no cluster begins"):
        disk.read(0, 1)


def packed(data: bytes) -> bytes:
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -12)
    return squeeze.compress(data) + squeeze.flush()


COMPRESSED = 1 << 62


def test_a_compressed_cluster_may_begin_anywhere(memory: type[Memory]) -> None:
    data = b"\xff" * 7 + packed(b"text" * 128)
    file = memory(bytes(image(0, COMPRESSED | DATA + 7, data=data)))
    disk = Qcow2(file)
    assert disk.read(CLUSTER + 1, 3) == b"ext"
    assert list(disk.written()) == [Extent(CLUSTER, CLUSTER)]
    disk.prefetch([Extent(CLUSTER, 1)])
    assert file.wanted == [Extent(DATA + 7, CLUSTER - 7)]


@pytest.mark.parametrize("data", [b"\xff" * 400, packed(b"short"), packed(b"t" * 512)[:3], b""])
def test_a_compressed_cluster_that_is_damaged_is_incomplete(memory: type[Memory], data: bytes) -> None:
    disk = Qcow2(memory(bytes(image(COMPRESSED | DATA, data=data.ljust(CLUSTER, b"\xff")))))
    with pytest.raises(IncompleteError, match="compressed cluster"):
        disk.read(0, 1)


def test_a_compressed_cluster_beyond_the_end_is_incomplete(memory: type[Memory]) -> None:
    disk = Qcow2(memory(bytes(image(COMPRESSED | END + 5))))
    with pytest.raises(IncompleteError):
        disk.read(0, 1)


def test_a_bomb_inflates_to_one_cluster() -> None:
    assert inflate(packed(bytes(50 << 20)), CLUSTER, zstd=False) == bytes(CLUSTER)


def test_zstd_is_bounded_in_length_and_memory() -> None:
    zstd = pytest.importorskip("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")
    small = zstd.compress(b"x" * (50 << 20))
    assert inflate(small, CLUSTER, zstd=True) == b"x" * CLUSTER
    for damaged in (b"", b"junk", small[:20], zstd.compress(b"short")):
        with pytest.raises(IncompleteError):
            inflate(damaged, CLUSTER, zstd=True)
    greedy = zstd.ZstdCompressor(options={int(zstd.CompressionParameter.window_log): 27})
    wide = greedy.compress(b"y" * 5_000_000) + greedy.flush()
    with pytest.raises(IncompleteError):
        inflate(wide, CLUSTER, zstd=True)
