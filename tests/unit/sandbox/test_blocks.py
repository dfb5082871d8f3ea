"""Blocks of a disk file, compared with the plain disk that the file was made of."""

from __future__ import annotations

import random
import subprocess
from pathlib import Path

import pytest

from amigate.errors import SandboxError
from amigate.sandbox.blocks import BLOCK, Blocks
from amigate.sandbox.shelf import Shelf

SEED = random.Random(5)  # noqa: S311 - content of a disk


def plain(folder: Path, size: int, *written: tuple[int, int]) -> Path:
    """Make a disk that holds something at each (offset, length), and nothing elsewhere."""
    path = folder / "disk.raw"
    with path.open("wb") as file:
        for offset, length in written:
            file.seek(offset)
            file.write(SEED.randbytes(length))
        file.truncate(size)
    return path


def qcow2(disk: Path, *options: str) -> Path:
    """Convert a plain disk."""
    out = disk.with_suffix(".qcow2")
    command = ["qemu-img", "convert", "-f", "raw", "-O", "qcow2", *options, str(disk), str(out)]
    subprocess.run(command, check=True)
    return out


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def reassembled(blocks: Blocks, size: int) -> bytes:
    """Put the written blocks where they belong."""
    disk = bytearray(-(-size // BLOCK) * BLOCK)
    for index in blocks.indexes:
        disk[index * BLOCK : (index + 1) * BLOCK] = blocks.read(index)
    assert not any(disk[size:])
    return bytes(disk[:size])


MIB = 1 << 20
DISKS = {
    "with holes": (5 * MIB, [(0, 10), (3 * MIB - 70_000, 140_000)], [0, 5, 6]),
    "not a multiple of a block": (2 * MIB + 5 * 512, [(MIB, 512), (2 * MIB, 5 * 512)], [2, 4]),
    "of one sector": (512, [(0, 512)], [0]),
    "that is full": (MIB, [(0, MIB)], [0, 1]),
    "that is empty": (MIB, [], []),
    "written over borders of blocks": (4 * MIB, [(BLOCK - 1, 2), (3 * BLOCK - 65_536, 65_536 * 2)], [0, 1, 2, 3]),
}


@pytest.mark.parametrize("options", [[], ["-c"], ["-o", "cluster_size=4096"], ["-o", "cluster_size=2M"]], ids=str)
@pytest.mark.parametrize("name", DISKS)
def test_written_blocks_put_together_are_the_disk(tmp_path: Path, name: str, options: list[str]) -> None:
    size, written, _ = DISKS[name]
    disk = plain(tmp_path, size, *written)
    blocks = Blocks(qcow2(disk, *options), tmp_path)
    assert reassembled(blocks, size) == disk.read_bytes()


@pytest.mark.parametrize("name", DISKS)
def test_only_blocks_that_hold_something_written_are_listed(tmp_path: Path, name: str) -> None:
    size, written, indexes = DISKS[name]
    assert Blocks(qcow2(plain(tmp_path, size, *written)), tmp_path).indexes == indexes


def test_what_was_written_and_emptied_again_is_listed(tmp_path: Path) -> None:
    """A block once written is in a snapshot for ever, also when it holds zeros."""
    disk = tmp_path / "disk.qcow2"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", str(disk), "4M"], check=True)
    write = ["qemu-io", "-f", "qcow2", "-c", "write -P 7 1M 64k", "-c", "write -P 0 1M 64k", str(disk)]
    subprocess.run(write, check=True, stdout=subprocess.DEVNULL)
    blocks = Blocks(disk, tmp_path)
    assert (blocks.indexes, blocks.read(2)) == ([2], bytes(BLOCK))


def test_a_block_beyond_the_end_is_zeros(tmp_path: Path) -> None:
    blocks = Blocks(qcow2(plain(tmp_path, MIB, (0, MIB))), tmp_path)
    assert (blocks.read(2), blocks.read(1 << 31), blocks.size_gib) == (bytes(BLOCK), bytes(BLOCK), 1)


def test_a_compressed_disk_leaves_no_file_behind(tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    disk = plain(tmp_path, MIB, (0, MIB))
    blocks = Blocks(qcow2(disk, "-c"), scratch)
    assert list(scratch.iterdir()) == []
    assert blocks.read(1) == disk.read_bytes()[BLOCK:]


def test_what_is_no_disk_is_refused(tmp_path: Path) -> None:
    wrong = tmp_path / "disk.qcow2"
    wrong.write_bytes(b"not a disk")
    with pytest.raises(SandboxError):
        Blocks(wrong, tmp_path)


def test_files_are_closed_when_nobody_reads_any_more(tmp_path: Path) -> None:
    disk = qcow2(plain(tmp_path, MIB, (0, MIB)))
    shelf = Shelf(tmp_path, most=2)
    before = open_files()
    for number in range(5):
        assert shelf.blocks(f"snap-{number}", disk).indexes == [0, 1]
    assert open_files() == before + 2
    shelf.forget("snap-4")
    shelf.forget("snap-3")
    shelf.forget("unknown")
    assert open_files() == before


def test_a_snapshot_is_read_once_for_all(tmp_path: Path) -> None:
    disk = qcow2(plain(tmp_path, MIB, (0, MIB)))
    shelf = Shelf(tmp_path)
    blocks = shelf.blocks("snap-1", disk)
    disk.unlink()
    assert shelf.blocks("snap-1", disk) is blocks
    assert blocks.read(0) != bytes(BLOCK)
