"""XFS as read from its blocks, beside what the kernel's own mount of the same image shows."""

from __future__ import annotations

import hashlib
import os
import random
import re
import shutil
import stat
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from amigate.disk.blocks import Extent
from amigate.disk.crc32c import crc32c
from amigate.disk.xfs import Xfs
from amigate.disk.xfs.folders import data_runs

from .shown import ACL, MIB, FileBlocks, Shown, as_tuple, free_runs, joined, look, mounted, run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts"),
    pytest.mark.skipif(not shutil.which("mkfs.xfs"), reason="xfsprogs is not installed"),
]

EXCHANGE_RANGE, PARENT = 1 << 6, 1 << 7


@dataclass(frozen=True)
class Variant:
    """A way to make a file system, and how much is put into it."""

    options: str
    entries: int = 900
    """In the largest folder."""
    features: int = 0
    """Incompatible ones that this mkfs.xfs(8) does not know, and the kernel does."""
    size: int = 400 * MIB
    mount: str = "loop"


VARIANTS = {
    "default": Variant("", entries=20_000),
    "as Amazon Linux 2023": Variant("-m bigtime=1,reflink=1,inobtcount=1 -i nrext64=1"),
    "sectors of 4 KiB": Variant("-s size=4096"),
    "blocks of 1 KiB": Variant("-b size=1024", entries=4000),
    "blocks of 16 KiB": Variant("-b size=16384"),
    "blocks of 64 KiB": Variant("-b size=65536", entries=2500),
    "folder blocks of 16 KiB": Variant("-n size=16384", entries=3000),
    "folder blocks of 64 KiB of blocks of 1 KiB": Variant("-b size=1024 -n size=65536", entries=3000),
    "inodes of 1 KiB": Variant("-i size=1024"),
    "inodes of 2 KiB": Variant("-i size=2048"),
    "rmapbt": Variant("-m rmapbt=1"),
    "no sparse inodes": Variant("-i sparse=0"),
    "nothing optional": Variant("-m bigtime=0,finobt=0,reflink=0,inobtcount=0 -i sparse=0,nrext64=0"),
    "nrext64": Variant("-i nrext64=1"),
    "exchange-range": Variant("", features=EXCHANGE_RANGE),
    "parent pointers": Variant("-i size=512", features=EXCHANGE_RANGE | PARENT),
    "stripes": Variant("-d su=256k,sw=2 -l su=256k,size=80m", size=900 * MIB),
    "inode numbers of 64 bits": Variant("-d agcount=5 -l size=64m", size=4 << 40),
}


@contextmanager
def opened(image: Path) -> Iterator[Xfs]:
    """Open an image as amigate does."""
    blocks = FileBlocks(image)
    try:
        yield Xfs(blocks)
    finally:
        blocks.close()


def make(image: Path, variant: Variant) -> None:
    """Make an empty file system."""
    image.unlink(missing_ok=True)
    with image.open("wb") as file:
        file.truncate(variant.size)
    run("mkfs.xfs", "-q", *variant.options.split(), image)
    if variant.features:
        set_features(image, variant.features)


def set_features(image: Path, features: int) -> None:
    """Set incompatible features in the superblock."""
    with image.open("r+b") as file:
        superblock = bytearray(file.read(512))
        incompatible = int.from_bytes(superblock[216:220], "big") | features
        superblock[216:220] = incompatible.to_bytes(4, "big")
        superblock[224:228] = bytes(4)
        superblock[224:228] = crc32c(bytes(superblock)).to_bytes(4, "little")
        file.seek(0)
        file.write(superblock)


def populate(root: Path, entries: int) -> None:
    """Put into a file system one of everything that lies differently on the device."""
    dice = random.Random(1)  # noqa: S311 - the same image each time
    for folder in ("etc/ssh", "big", "some", "empty", *(f"spread/{number}" for number in range(12))):
        (root / folder).mkdir(parents=True)
    for number in range(entries):
        (root / f"big/file_number_{number:06d}_{'x' * (number % 40)}").touch()
    for number in range(0, entries, 3):
        (root / f"big/file_number_{number:06d}_{'x' * (number % 40)}").unlink()
    # A folder whose first blocks are gone.
    for number in range(400, entries // 2):
        (root / f"big/file_number_{number:06d}_{'x' * (number % 40)}").unlink(missing_ok=True)
    for number in range(60):
        content = dice.randbytes(dice.choice((0, 1, 50, 100, 150, 4000, 5000, 70000)))
        (root / f"some/f{number}").write_bytes(content)
        (root / f"spread/{number % 12}/f{number}").write_bytes(content[:10])
    files(root / "etc", dice)
    links(root)
    attributes(root)


def files(folder: Path, dice: random.Random) -> None:
    with (folder / "sparse").open("wb") as file:
        file.seek(5 << 20)
        file.write(b"end")
        file.seek(1 << 20)
        file.write(b"mid" * 1000)
    with (folder / "fragments0").open("wb") as one, (folder / "fragments1").open("wb") as two:
        for number in range(120):
            for file in (one, two):
                file.write(dice.randbytes(4096))
                file.flush()
                if number % 4 == 0:
                    os.fsync(file.fileno())
    with (folder / "holes").open("wb") as file:
        for number in range(600):
            file.seek(number * 131072)
            file.write(b"%d" % number)
    run("fallocate", "-l", "200000", folder / "promised")
    run("fallocate", "--keep-size", "-l", "300000", folder / "fragments0")
    shutil.copy(folder / "fragments0", folder / "copy")
    os.utime(folder / "sparse", ns=(4_000_000_000_123456789,) * 2)
    os.utime(folder / "holes", ns=(-1_000_000_000_000000001,) * 2)
    os.chown(folder / "sparse", 70000, 4_000_000_000)
    (folder / "sparse").chmod(0o4640)
    (folder / "na\udcefve\n\x01").write_bytes(b"z")


def links(root: Path) -> None:
    for length in (1, 50, 300, 400, 1000, 1023):
        (root / f"etc/link{length}").symlink_to(("/abc" * 300)[:length])
    (root / "some/relative").symlink_to("../big")
    (root / "some/loop").symlink_to("loop")
    os.link(root / "some/f1", root / "some/f1-again")
    os.mkfifo(root / "etc/pipe")
    os.mknod(root / "etc/null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
    os.mknod(root / "etc/disk", stat.S_IFBLK | 0o660, os.makedev(8, 1))


def attributes(root: Path) -> None:
    for path in ("etc/sparse", "etc/ssh", "some/loop", "some/f1"):
        os.setxattr(root / path, "security.selinux", b"system_u:object_r:etc_t:s0\0", follow_symlinks=False)
    os.setxattr(root / "some/f1", "trusted.overlay.opaque", b"y")
    os.setxattr(root / "some/f1", "user.empty", b"")
    os.setxattr(root / "some/f2", "system.posix_acl_access", ACL)
    os.setxattr(root / "some", "system.posix_acl_access", ACL)
    os.setxattr(root / "some", "system.posix_acl_default", ACL)
    for path, count, size in (("f3", 3, 300), ("f4", 30, 90), ("f5", 150, 250), ("f6", 2, 5000), ("f7", 4, 65536)):
        for number in range(count):
            os.setxattr(root / "some" / path, f"user.number_{number}", bytes([number % 256]) * size)
    for number in range(0, 150, 2):
        os.removexattr(root / "some/f5", f"user.number_{number}")


LESS_USUAL = {
    "blocks of 16 KiB",
    "folder blocks of 16 KiB",
    "inodes of 1 KiB",
    "inodes of 2 KiB",
    "rmapbt",
    "no sparse inodes",
    "nrext64",
    "exchange-range",
    "stripes",
}
PARAMETERS = [pytest.param(name, marks=[pytest.mark.slow] if name in LESS_USUAL else []) for name in VARIANTS]


@pytest.fixture(scope="module", params=PARAMETERS)
def shown(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    """Return an image that the kernel filled, and what it shows of it; mounted again, for what is in memory only."""
    variant = VARIANTS[request.param]
    shown = Shown(tmp_path_factory.mktemp("xfs") / "image")
    make(shown.image, variant)
    with mounted(shown.image, variant.mount) as root:
        populate(root, variant.entries)
    with mounted(shown.image, "loop,ro") as root:
        look(root, shown)
    yield shown
    shown.image.unlink()


def test_a_walk_yields_every_entry_as_the_kernel_shows_it(shown: Shown) -> None:
    with opened(shown.image) as xfs:
        walked = [(path, as_tuple(inode)) for path, inode in xfs.walk()]
        assert not xfs.damage
    assert len(walked) == len(shown.inodes)
    assert dict(walked) == shown.inodes
    depths = [path.count("/") for path, _ in walked]
    assert depths == sorted(depths)


def test_paths_lead_where_the_kernel_leads(shown: Shown) -> None:
    with opened(shown.image) as xfs:
        assert stat.S_ISDIR(xfs.lstat("/").mode)
        for path in list(shown.inodes)[::17]:
            assert as_tuple(xfs.lstat(path)) == shown.inodes[path]
        for folder in ("/", "/big", "/etc", "/empty"):
            prefix = folder.rstrip("/")
            inside = [path.rpartition("/") for path in shown.inodes]
            assert sorted(xfs.listdir(folder)) == sorted(name for above, _, name in inside if above == prefix)
        with pytest.raises(FileNotFoundError):
            xfs.lstat("/big/nothing")
        with pytest.raises(NotADirectoryError):
            xfs.lstat("/etc/sparse/x")


def test_contents_and_targets_are_those_that_the_kernel_reads(shown: Shown) -> None:
    with opened(shown.image) as xfs:
        for path, expected in shown.contents.items():
            if stat.S_ISLNK(shown.inodes[path][0]):
                assert xfs.readlink(path) == expected
            else:
                assert hashlib.sha256(xfs.read(path, 1 << 30)).hexdigest() == expected, path
        assert xfs.read("/etc/fragments1", 5000) == xfs.read("/etc/fragments1", 1 << 30)[:5000]


def test_extents_hold_the_content_without_its_holes(shown: Shown) -> None:
    blocks = FileBlocks(shown.image)
    xfs = Xfs(blocks)
    for path, expected in shown.written.items():
        held = b"".join(blocks.read(each.offset, each.length) for each in xfs.extents(path))
        assert hashlib.sha256(held).hexdigest() == expected, path
    blocks.close()


def test_extended_attributes_are_those_that_the_kernel_shows(shown: Shown) -> None:
    with opened(shown.image) as xfs:
        assert len(shown.xattrs) > 8
        for path in shown.inodes:
            if path in shown.xattrs or not path.startswith("/big/"):
                assert xfs.xattrs(path) == shown.xattrs.get(path, {}), path


def test_free_space_is_what_xfs_db_lists(shown: Shown) -> None:
    geometry = run("xfs_db", "-r", "-c", "sb 0", "-c", "p blocksize dblocks agblocks", shown.image)
    block, blocks, group_blocks = (int(found) for found in re.findall(r"= (\d+)", geometry))
    dumped = run("xfs_db", "-r", "-c", "freesp -d", shown.image)
    runs = [tuple(map(int, found)) for found in re.findall(r"^\s*(\d+)\s+(\d+)\s+(\d+)$", dumped, re.MULTILINE)]
    free = {group * group_blocks + start: length for group, start, length in runs if group * group_blocks + start}
    assert sum(free.values()) > blocks // 2
    with opened(shown.image) as xfs:
        for start, length in free.items():
            inside = range(start, start + length)
            assert all(xfs.is_free(number * block) for number in {inside[0], inside[-1], inside[length // 2]})
            assert start + length in free or start + length == blocks or not xfs.is_free((start + length) * block)
            assert start - 1 in {at + size - 1 for at, size in free.items()} or not xfs.is_free(start * block - 1)
        used = [extent for path in ("/etc/holes", "/etc/fragments0") for extent in xfs.extents(path)]
        assert not any(xfs.is_free(extent.offset) for extent in used)
        assert not xfs.is_free(0)
        assert xfs.is_free(blocks * block)
        assert xfs.block_bytes == block
        assert free_runs(xfs, blocks) == joined(Extent(*each) for each in free.items())


def test_blocks_of_a_folder_that_lie_in_pieces_are_put_together(tmp_path: Path) -> None:
    image = tmp_path / "image"
    make(image, Variant("-b size=1024 -n size=16384 -m reflink=0", size=300 * MIB))
    with mounted(image) as root:
        (root / "folder").mkdir()
        (root / "file").touch()
        take_all_but_pieces(root)
        for number in range(3000):
            os.link(root / "file", root / f"folder/a_name_that_takes_some_room_{number}")
        (root / "rest").unlink()
    with opened(image) as xfs:
        data = data_runs(xfs._nodes.metadata, xfs._node("/folder"))
        assert len(data) > 3000 * 48 // 16384
        assert any(run.length % 16 for run in data)
        assert len(list(xfs.listdir("/folder"))) == 3000
        assert sum(path.startswith("/folder/") for path, _ in xfs.walk()) == 3000
        assert not xfs.damage


def take_all_but_pieces(root: Path) -> None:
    """Fill a file system to its last block, and free every second one of a part of it."""
    run("xfs_io", "-x", "-c", "resblks 0", root)
    with (root / "rest").open("wb") as file:
        size, step = 0, 1 << 24
        while step >= 1024:
            try:
                os.posix_fallocate(file.fileno(), size, step)
                size += step
            except OSError:
                step //= 2
        for at in range(0, 2 << 20, 2048):
            run("fallocate", "--punch-hole", "-o", str(at), "-l", "1024", root / "rest")
