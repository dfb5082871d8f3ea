"""ext images with wrong bytes: what is told is so, or it is refused; nothing hangs, and nothing else is raised."""

from __future__ import annotations

import os
import resource
import shutil
import struct
from typing import TYPE_CHECKING

import pytest

from amigate.disk.ext import Ext, free, groups, inodes, metadata, superblock, value_inodes
from amigate.disk.ext.features import Incompatible

from .mutations import LONGEST_S, MIB, AnyChecksum, count_refused, slowest_of
from .shown import mounted, run

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts"),
    pytest.mark.skipif(not shutil.which("mkfs.ext4"), reason="e2fsprogs is not installed"),
]

CHECKED = "-t ext4 -b 1024 -O inline_data,ea_inode -J size=1"
UNCHECKED = {
    "ext4, crc16": "-t ext4 -b 1024 -O ^metadata_csum,uninit_bg,inline_data,ea_inode -J size=1",
    "ext3": "-t ext3 -b 1024 -J size=1",
    "ext2": "-t ext2 -b 4096 -I 128",
}


def populate(root: Path, *, slow_links: bool) -> None:
    for folder in ("etc/ssh", "many", "deep/er/and/deeper"):
        (root / folder).mkdir(parents=True)
    for number in range(150):
        (root / f"many/a_name_that_takes_room_{number:04}").touch()
    for number in range(0, 150, 3):
        (root / f"many/a_name_that_takes_room_{number:04}").unlink()
    with (root / "etc/holes").open("wb") as file:
        for number in range(150):
            file.seek(number * 8192)
            file.write(b"x")
    if slow_links:  # the block that one lies in has no checksum in any case
        (root / "etc/long").symlink_to("/abc" * 200)
    (root / "etc/short").symlink_to("ssh")
    (root / "etc/ssh/key").write_bytes(b"key" * 1000)
    (root / "etc/ssh/short").write_bytes(b"key" * 30)
    os.setxattr(root / "etc/ssh/key", "user.one", b"1")
    acl = struct.pack("<IHHIHHIHHI", 2, 1, 7, 2**32 - 1, 4, 5, 2**32 - 1, 32, 5, 2**32 - 1)
    os.setxattr(root / "etc", "system.posix_acl_default", acl)
    for number in range(8):
        os.setxattr(root / "etc/holes", f"user.number{number}", b"v" * 70)


def made(image: Path, options: str) -> bytes:
    """Return an image with something of each kind."""
    with image.open("wb") as file:
        file.truncate(12 * MIB)
    run("mke2fs", "-q", "-F", *options.split(), image)
    with mounted(image, kind="ext4") as root:
        populate(root, slow_links=options != CHECKED)
        if "ea_inode" in options:
            os.setxattr(root / "etc/ssh", "user.large", b"v" * 9000)
    return image.read_bytes()


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Return an image all of whose metadata has checksums."""
    return made(tmp_path_factory.mktemp("ext") / "image", CHECKED)


@pytest.fixture
def without_checksums(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take every checksum for right, as if whoever made the image had made it so."""
    for module in (free, groups, inodes, metadata, value_inodes):
        monkeypatch.setattr(module, "extended", lambda *_: AnyChecksum())
    monkeypatch.setattr(metadata, "crc32c", lambda _: AnyChecksum())
    monkeypatch.setattr(superblock, "crc32c", lambda _: AnyChecksum())


def test_what_is_told_of_a_damaged_image_is_so_or_is_refused(content: bytes) -> None:
    assert count_refused(Ext, content, range(200)) > 100


def test_a_hostile_image_with_right_checksums_costs_little_and_raises_nothing_unforeseen(
    content: bytes, without_checksums: None
) -> None:
    assert slowest_of(Ext, content, range(200)) < LONGEST_S


@pytest.mark.parametrize("kind", UNCHECKED)
def test_damage_without_checksums_costs_little_and_raises_nothing_unforeseen(kind: str, tmp_path: Path) -> None:
    assert slowest_of(Ext, made(tmp_path / "image", UNCHECKED[kind]), range(60)) < LONGEST_S


def test_a_damaged_journal_costs_little_and_raises_nothing_unforeseen(tmp_path: Path) -> None:
    image = tmp_path / "image"
    made(image, "-t ext4 -b 1024 -O ^metadata_csum -J size=1")
    with mounted(image, kind="ext4") as root:
        populate(root / "deep/er", slow_links=False)
        run("sync", "-f", root)
        content = image.read_bytes()
    assert content[1024 + 96] & Incompatible.RECOVER
    assert slowest_of(Ext, content, range(60)) < LONGEST_S


@pytest.mark.slow
def test_thousands_of_damaged_images_are_told_as_they_are_or_refused(content: bytes) -> None:
    refused = count_refused(Ext, content, range(1000, 5000))
    print(f"{refused} of 4000 mutated images were refused in some part")  # noqa: T201 - the figure is the point


@pytest.mark.slow
def test_thousands_of_hostile_images_cost_little(content: bytes, without_checksums: None) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    slowest = slowest_of(Ext, content, range(1000, 5000))
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024
    print(f"the slowest of 4000 hostile images took {slowest:.2f} s; memory grew by {grown} MiB")  # noqa: T201
    assert grown < 256
