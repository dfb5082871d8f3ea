"""qcow2 images read as qemu-img reads them."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from amigate.disk.qcow2 import Qcow2

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.contract.disk.conftest import Bench, Opener

SIZE = (9 << 20) + 512
"""No multiple of a large cluster."""
OPTIONS = [
    *(f"cluster_size={1 << power}" for power in range(9, 22)),
    "compat=0.10",
    "compat=0.10,cluster_size=512",
    "compat=1.1,lazy_refcounts=on",
    "refcount_bits=1",
    "preallocation=metadata",
    "preallocation=falloc",
    "preallocation=full",
    "compression_type=zstd",
    "compression_type=zstd,cluster_size=4k",
    "compression_type=zstd,cluster_size=2M",
]


@pytest.fixture
def disk(bench: Bench) -> Path:
    """Return a disk with text, noise, zeros and holes."""
    seed = random.Random(3)  # noqa: S311 - content of a disk
    path = bench.folder / "disk.raw"
    with path.open("wb") as file:
        file.truncate(SIZE)
        for _ in range(60):
            file.seek(seed.randrange(SIZE - 100_000))
            kind = seed.randrange(3)
            length = seed.randrange(100_000)
            file.write((seed.randbytes(length), b"some text " * (length // 10), bytes(length))[kind])
        file.seek(SIZE - 700)
        file.write(seed.randbytes(700))
    return path


def same(bench: Bench, opened: Opener, image: Path) -> Qcow2:
    """Compare an image with what qemu-img makes of it: as a whole, in parts, and where it says nothing is written."""
    oracle = bench.folder / "oracle.raw"
    bench.run("qemu-img", "convert", "-f", "qcow2", "-O", "raw", image, oracle)
    wanted = oracle.read_bytes()
    disk = Qcow2(opened(image))
    assert disk.size == len(wanted)
    assert disk.read(0, disk.size) == wanted
    seed = random.Random(1)  # noqa: S311 - places of a disk
    for _ in range(200):
        offset = seed.randrange(disk.size)
        length = min(seed.randrange(300_000), disk.size - offset)
        assert disk.read(offset, length) == wanted[offset : offset + length]
    unwritten = bytearray(wanted)
    end = 0
    for extent in disk.written():
        assert extent.offset > end or not end
        end = extent.end
        unwritten[extent.offset : extent.end] = bytes(extent.length)
    assert end <= disk.size
    assert not any(unwritten)
    return disk


@pytest.mark.parametrize("options", OPTIONS)
def test_an_image_that_was_converted(bench: Bench, opened: Opener, disk: Path, options: str) -> None:
    convert(bench, opened, disk, options)


@pytest.mark.parametrize("options", [options for options in OPTIONS if "preallocation" not in options])
def test_an_image_that_was_compressed(bench: Bench, opened: Opener, disk: Path, options: str) -> None:
    convert(bench, opened, disk, options, "-c")


def convert(bench: Bench, opened: Opener, disk: Path, options: str, *how: str) -> None:
    image = bench.folder / "image.qcow2"
    bench.run("qemu-img", "convert", *how, "-f", "raw", "-O", "qcow2", "-o", options, disk, image)
    same(bench, opened, image)


@pytest.mark.parametrize("options", ["", "cluster_size=512", "cluster_size=2M", "compat=0.10", "lazy_refcounts=on"])
def test_an_image_that_was_written_to(bench: Bench, opened: Opener, options: str) -> None:
    """Zero clusters, discarded and compressed ones, and such that were written again; snapshots stay out of it."""
    image = bench.folder / "image.qcow2"
    bench.run("qemu-img", "create", "-q", "-f", "qcow2", *(["-o", options] if options else []), image, "9M")
    write(
        *(bench, image, "write -P 1 0 1M", "write -P 2 3M 700k", "write -z 3200k 100k", "write -P 3 3250k 3k"),
        *("write -c -P 4 4M 2M", "write -P 5 5M 1k", "write -z -u 6M 2M", "write -P 6 6300k 512", "discard 200k 300k"),
    )
    same(bench, opened, image)
    bench.run("qemu-img", "snapshot", "-c", "before", image)
    write(bench, image, "write -P 9 0 2M", "discard 3M 1M", "write -P 8 8700k 100k")
    disk = same(bench, opened, image)
    assert disk.read(0, 4) == b"\x09" * 4


def write(bench: Bench, image: Path, *orders: str) -> None:
    commands: Sequence[str] = [part for order in orders for part in ("-c", order)]
    bench.run("qemu-io", "-f", "qcow2", *commands, image)


def test_an_image_of_nothing(bench: Bench, opened: Opener) -> None:
    image = bench.folder / "image.qcow2"
    bench.run("qemu-img", "create", "-q", "-f", "qcow2", image, "1P", "-o", "cluster_size=2M")
    disk = Qcow2(opened(image))
    assert list(disk.written()) == []
    assert disk.read((1 << 50) - 10, 10) == bytes(10)


def test_an_image_that_was_enlarged(bench: Bench, opened: Opener, disk: Path) -> None:
    image = bench.folder / "image.qcow2"
    bench.run("qemu-img", "convert", "-f", "raw", "-O", "qcow2", disk, image)
    bench.run("qemu-img", "resize", "-q", "-f", "qcow2", image, "100M")
    assert same(bench, opened, image).size == 100 << 20
