"""What volumes hold, as blkid(8) tells it."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest

from amigate.disk.volumes.contents import look
from amigate.disk.volumes.signatures import recognise
from amigate.disk.volumes.volume import State

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.contract.disk.conftest import Bench, Opener

MADE = {
    "ext2": ("mke2fs", "-q", "-t", "ext2"),
    "ext3": ("mke2fs", "-q", "-t", "ext3"),
    "ext4": ("mke2fs", "-q", "-t", "ext4"),
    "ext4-1k-blocks": ("mke2fs", "-q", "-t", "ext4", "-b", "1024"),
    "jbd": ("mke2fs", "-q", "-O", "journal_dev"),
    "xfs": ("mkfs.xfs", "-q"),
    "btrfs": ("mkfs.btrfs", "-q"),
    "vfat-12": ("mkfs.vfat", "-F", "12"),
    "vfat-16": ("mkfs.vfat", "-F", "16"),
    "vfat-32": ("mkfs.vfat", "-F", "32"),
    "vfat-4096": ("mkfs.vfat", "-S", "4096"),
    "ntfs": ("mkntfs", "-q", "-Q", "-F"),
    "swap": ("mkswap", "-q"),
    "swap-64k-pages": ("mkswap", "-q", "-p", "65536"),
    "crypto_LUKS-1": ("cryptsetup", "-q", "--type", "luks1", "--pbkdf-force-iterations", "1000", "luksFormat"),
    "crypto_LUKS-2": (
        *("cryptsetup", "-q", "--type", "luks2", "--pbkdf", "pbkdf2"),
        *("--pbkdf-force-iterations", "1000", "luksFormat"),
    ),
}


@pytest.mark.parametrize("name", MADE)
def test_what_is_made_is_recognised(bench: Bench, opened: Opener, name: str) -> None:
    image = bench.image("volume", 8 if name == "vfat-12" else 320)
    bench.run(*MADE[name], image, text="a password\n")
    assert told(bench, image) == name.split("-", maxsplit=1)[0]
    assert recognise(opened(image)) == (told(bench, image),)


@pytest.mark.parametrize("name", ["squashfs", "erofs"])
def test_packed_trees_are_recognised(bench: Bench, opened: Opener, name: str) -> None:
    (bench.folder / "tree").mkdir()
    (bench.folder / "tree" / "file").write_text("content")
    image = bench.folder / "image"
    order = (
        ("mksquashfs", bench.folder / "tree", image)
        if name == "squashfs"
        else ("mkfs.erofs", image, bench.folder / "tree")
    )
    bench.run(*order)
    assert recognise(opened(image)) == (told(bench, image),) == (name,)


def md(version: int, at: int) -> Mapping[int, bytes]:
    if version == 0:
        return {at: struct.pack("<7I", 0xA92B4EFC, 0, 90, 0, 0, 1, 1)}
    return {at: struct.pack("<II8x16s32s", 0xA92B4EFC, 1, b"u" * 16, b"name"), at + 144: struct.pack("<Q", at // 512)}


SIZE = 128 << 20
WRITTEN: Mapping[str, Mapping[int, bytes]] = {
    "linux_raid_member 0.90": md(0, SIZE - 0x10000),
    "linux_raid_member 1.0": md(1, SIZE - 0x2000),
    "linux_raid_member 1.1": md(1, 0),
    "linux_raid_member 1.2": md(1, 0x1000),
    "zfs_member": {(128 + index) * 1024: struct.pack("<QQ", 0xBAB10C, 5000) for index in range(4)},
    "zfs_member at its end": {SIZE - (128 - index) * 1024: struct.pack(">QQ", 0xBAB10C, 5000) for index in range(4)},
    "f2fs": {1024: b"\x10\x20\xf5\xf2" + struct.pack("<HHIII", 1, 15, 9, 3, 12)},
    "DM_snapshot_cow": {0: b"SnAp"},
    "LVM1_member": {0: b"HM\x01\0"},
}


@pytest.mark.parametrize("name", WRITTEN)
def test_members_of_something_larger_are_recognised(bench: Bench, opened: Opener, name: str) -> None:
    image = bench.image("volume", SIZE >> 20)
    with image.open("r+b") as file:
        for offset, data in WRITTEN[name].items():
            file.seek(offset)
            file.write(data)
    assert recognise(opened(image)) == (told(bench, image),) == (name.split(maxsplit=1)[0],)
    assert look(opened(image)).state == State.UNSUPPORTED


def test_a_volume_that_looks_like_two_things_is_not_read(bench: Bench, opened: Opener) -> None:
    """A label of LVM fits before an ext4 file system, and would hide it."""
    image = bench.image("volume", 64)
    bench.run("mke2fs", "-q", "-t", "ext4", image)
    other = bench.image("label", 64)
    with bench.loop(other) as device:
        bench.run("pvcreate", "--devices", device, device)
    with image.open("r+b") as file:
        file.seek(512)
        file.write(other.read_bytes()[512:1024])
    found = look(opened(image))
    assert (found.state, found.reason) == (State.UNSUPPORTED, "it looks like ext4 and LVM2_member at once")


def told(bench: Bench, image: Path) -> str:
    """Return what blkid tells."""
    return bench.run("blkid", "--probe", "--output", "value", "--match-tag", "TYPE", image).strip()
