"""ext2, ext3 and ext4 as read from their blocks, beside what the kernel's own mount of the same image shows."""

from __future__ import annotations

import hashlib
import os
import random
import re
import shutil
import socket
import stat
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest

from amigate.disk.blocks import Extent
from amigate.disk.ext import Ext

from .shown import ACL, MIB, FileBlocks, Shown, as_tuple, free_runs, joined, look, mounted, run

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts"),
    pytest.mark.skipif(not shutil.which("mkfs.ext4"), reason="e2fsprogs is not installed"),
]

CAPABILITY = bytes.fromhex("0100000200040000000000000000000000000000")
"""cap_net_bind_service, as setcap(8) sets it."""
AT_ONCE = "loop,nodelalloc"
"""Blocks are taken as they are written, so that files that are written by turns are in pieces."""
TIMES_NS = (
    -(2**31) * 10**9,
    -1_000_000_000_000000001,
    0,
    2**31 * 10**9 - 1,
    2**31 * 10**9 + 123456789,
    4_000_000_000_123456789,
    2**32 * 10**9 + 5,
    13_569_465_600 * 10**9 + 999999999,
)
"""From 1901 to 2400, before and after each that some count of seconds ends at."""


@dataclass(frozen=True)
class Variant:
    """A way to make a file system, and how much is put into it."""

    options: str
    entries: int = 700
    """In the largest folder."""
    size: int = 64 * MIB
    tune: str = ""
    """What tune2fs(8) sets once there is something in it, as kernels without quotas mount that read-only."""


VARIANTS = {
    "ext4 default": Variant("-t ext4", entries=5000, size=256 * MIB),
    "ext4 blocks of 1 KiB": Variant("-t ext4 -b 1024", entries=5000),
    "ext4 blocks of 2 KiB, many groups": Variant("-t ext4 -b 2048 -g 2048"),
    "ext4 inline data": Variant("-t ext4 -O inline_data"),
    "ext4 inline data in inodes of 1 KiB": Variant("-t ext4 -O inline_data -I 1024"),
    "ext4 crc16, 32 bits": Variant("-t ext4 -O ^64bit,^metadata_csum,uninit_bg -b 1024"),
    "ext4 crc16, 64 bits": Variant("-t ext4 -O 64bit,^metadata_csum,uninit_bg -g 2048"),
    "ext4 without checksums": Variant("-t ext4 -O ^metadata_csum,^uninit_bg"),
    "ext4 meta_bg": Variant("-t ext4 -O meta_bg,^resize_inode -b 1024 -g 1024"),
    "ext4 large_dir, ea_inode": Variant("-t ext4 -O large_dir,ea_inode -b 1024", entries=5000),
    "ext4 ea_inode, 32 bits": Variant("-t ext4 -O ^64bit,ea_inode,^extent"),
    "ext4 checksums from a seed": Variant("-t ext4 -O metadata_csum_seed -U random"),
    "ext4 sparse_super2": Variant("-t ext4 -O sparse_super2,^resize_inode -b 1024"),
    "ext4 no flex_bg, no sparse_super": Variant("-t ext4 -O ^flex_bg,^sparse_super,^resize_inode -b 1024"),
    "ext4 orphan_file, quota, project": Variant("-t ext4 -O orphan_file", tune="-O quota,project"),
    "ext4 inodes of 128": Variant("-t ext4 -I 128"),
    "ext4 inodes of 512": Variant("-t ext4 -I 512 -O mmp"),
    "ext4 block maps with checksums": Variant("-t ext4 -O ^extent,^64bit -b 1024"),
    "ext4 no journal, no index": Variant("-t ext4 -O ^has_journal,^dir_index,^filetype,^huge_file,^dir_nlink"),
    "ext4 verity, stable inodes": Variant("-t ext4 -O verity,stable_inodes"),
    "ext3": Variant("-t ext3", entries=2000),
    "ext3 blocks of 1 KiB": Variant("-t ext3 -b 1024 -I 128"),
    "ext2": Variant("-t ext2 -I 256"),
    "ext2 revision 0": Variant("-t ext2 -r 0 -b 1024 -O none"),
}


LESS_USUAL = {
    "ext2",
    "ext3 blocks of 1 KiB",
    "ext4 checksums from a seed",
    "ext4 crc16, 64 bits",
    "ext4 ea_inode, 32 bits",
    "ext4 inodes of 512",
    "ext4 verity, stable inodes",
    "ext4 without checksums",
}
PARAMETERS = [pytest.param(name, marks=[pytest.mark.slow] if name in LESS_USUAL else []) for name in VARIANTS]


@contextmanager
def opened(image: Path) -> Iterator[Ext]:
    """Open an image as amigate does."""
    blocks = FileBlocks(image)
    try:
        yield Ext(blocks)
    finally:
        blocks.close()


def make(image: Path, variant: Variant) -> None:
    """Make an empty file system."""
    image.unlink(missing_ok=True)
    with image.open("wb") as file:
        file.truncate(variant.size)
    run("mke2fs", "-q", "-F", "-L", "a label ", *variant.options.split(), image)


def populate(root: Path, entries: int) -> None:
    """Put into a file system one of everything that lies differently on the device."""
    dice = random.Random(1)  # noqa: S311 - the same image each time
    for folder in ("etc/ssh", "big", "some", "empty", "/".join(["deep", *"abcdefghijklmnopqrstuvwxyz"])):
        (root / folder).mkdir(parents=True)
    for number in range(entries):
        (root / f"big/file_number_{number:06d}_{'x' * (number % 40)}").touch()
    for number in range(0, entries, 3):
        (root / f"big/file_number_{number:06d}_{'x' * (number % 40)}").unlink()
    for number in range(400, entries // 2):
        (root / f"big/file_number_{number:06d}_{'x' * (number % 40)}").unlink(missing_ok=True)
    for number in range(14):
        content = dice.randbytes((0, 1, 50, 59, 60, 61, 100, 150, 160, 161, 700, 4000, 5000, 70000)[number])
        (root / f"some/f{number}").write_bytes(content)
        (root / f"some/folder{number}").mkdir()
        for each in range(number):
            (root / f"some/folder{number}/{each}").touch()
    files(root / "etc", dice)
    links(root)
    attributes(root)
    for number, time_ns in enumerate(TIMES_NS):
        os.utime(root / f"some/f{number}", ns=(time_ns, time_ns))


def files(folder: Path, dice: random.Random) -> None:
    with (folder / "sparse").open("wb") as file:
        file.seek(5 << 20)
        file.write(b"end")
        file.seek(1 << 20)
        file.write(b"mid" * 1000)
    with (folder / "holes").open("wb") as file:
        for number in range(600):
            file.seek(number * 131072)
            file.write(b"%d" % number)
    with (folder / "fragments0").open("wb") as one, (folder / "fragments1").open("wb") as two:
        for _ in range(120):
            for file in (one, two):
                file.write(dice.randbytes(4096))
                file.flush()
    with suppress(OSError), (folder / "promised").open("wb") as file:  # a block map has no room that is promised only
        os.posix_fallocate(file.fileno(), 0, 200000)
    os.chown(folder / "sparse", 70000, 4_000_000_000)
    (folder / "sparse").chmod(0o4640)
    (folder / "na\udcefve\n\x01").write_bytes(b"z")
    (folder / ("n" * 255)).write_bytes(b"long")


def links(root: Path) -> None:
    for length in (1, 50, 59, 60, 61, 300, 1000, 1023):
        (root / f"etc/link{length}").symlink_to(("/abc" * 300)[:length])
    (root / "some/relative").symlink_to("../big")
    (root / "some/loop").symlink_to("loop")
    os.link(root / "some/f1", root / "some/f1-again")
    os.mkfifo(root / "etc/pipe")
    os.mknod(root / "etc/null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
    os.mknod(root / "etc/disk", stat.S_IFBLK | 0o660, os.makedev(8, 1))
    here = os.open(root / "etc", os.O_RDONLY)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"/proc/self/fd/{here}/socket")
    os.close(here)


def attributes(root: Path) -> None:
    """Set attributes, as many as there is room for."""
    for path in ("etc/sparse", "etc/ssh", "some/loop", "etc/link300", "some/f1", "etc/pipe"):
        os.setxattr(root / path, "security.selinux", b"system_u:object_r:etc_t:s0\0", follow_symlinks=False)
    os.setxattr(root / "some/f1", "security.capability", CAPABILITY)
    os.setxattr(root / "some/f1", "trusted.overlay.opaque", b"y")
    os.setxattr(root / "some/f1", "user.empty", b"")
    os.setxattr(root / "some/f2", "system.posix_acl_access", ACL)
    os.setxattr(root / "some", "system.posix_acl_access", ACL)
    os.setxattr(root / "some", "system.posix_acl_default", ACL)
    for path, count, size in (("f3", 3, 200), ("f4", 10, 40), ("f5", 2, 3000), ("f6", 4, 30000)):
        for number in range(count):
            with suppress(OSError):
                os.setxattr(root / "some" / path, f"user.number_{number}", bytes([number + 1]) * size)
    for number in range(0, 10, 3):
        with suppress(OSError):
            os.removexattr(root / "some/f4", f"user.number_{number}")


@pytest.fixture(scope="module", params=PARAMETERS)
def shown(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    """Return an image that the kernel filled, and what it shows of it; mounted again, for what is in memory only."""
    variant = VARIANTS[request.param]
    shown = Shown(tmp_path_factory.mktemp("ext") / "image")
    make(shown.image, variant)
    with mounted(shown.image, AT_ONCE, "ext4") as root:
        populate(root, variant.entries)
    if variant.tune:
        run("tune2fs", *variant.tune.split(), shown.image)
    with mounted(shown.image, "loop,ro", kind="ext4") as root:
        look(root, shown)
    yield shown
    shown.image.unlink()


def test_a_walk_yields_every_entry_as_the_kernel_shows_it(shown: Shown) -> None:
    with opened(shown.image) as ext:
        walked = [(path, as_tuple(inode)) for path, inode in ext.walk()]
        assert ext.damage == []
    assert len(walked) == len(shown.inodes)
    assert dict(walked) == shown.inodes
    depths = [path.count("/") for path, _ in walked]
    assert depths == sorted(depths)


def test_paths_lead_where_the_kernel_leads(shown: Shown) -> None:
    with opened(shown.image) as ext:
        assert stat.S_ISDIR(ext.lstat("/").mode)
        for path in list(shown.inodes)[::17]:
            assert as_tuple(ext.lstat(path)) == shown.inodes[path]
        for folder in ("/", "/big", "/etc", "/empty", "/some/folder13"):
            prefix = folder.rstrip("/")
            inside = [path.rpartition("/") for path in shown.inodes]
            assert sorted(ext.listdir(folder)) == sorted(name for above, _, name in inside if above == prefix)
        with pytest.raises(FileNotFoundError):
            ext.lstat("/big/nothing")
        with pytest.raises(NotADirectoryError):
            ext.lstat("/etc/sparse/x")


def test_contents_and_targets_are_those_that_the_kernel_reads(shown: Shown) -> None:
    with opened(shown.image) as ext:
        for path, expected in shown.contents.items():
            if stat.S_ISLNK(shown.inodes[path][0]):
                assert ext.readlink(path) == expected
            else:
                assert hashlib.sha256(ext.read(path, 1 << 30)).hexdigest() == expected, path
        for path in ("/etc/fragments1", "/some/f8"):
            assert ext.read(path, 70) == ext.read(path, 1 << 30)[:70]


def test_extents_hold_the_content_without_its_holes(shown: Shown) -> None:
    blocks = FileBlocks(shown.image)
    ext = Ext(blocks)
    assert len(list(ext.extents("/etc/holes"))) >= 599
    for path, expected in shown.written.items():
        held = b"".join(blocks.read(each.offset, each.length) for each in ext.extents(path))
        if held or not shown.inodes[path][4]:
            assert hashlib.sha256(held).hexdigest() == expected, path
        else:  # in its inode, or never written to
            assert not ext.read(path, 1).strip(b"\0") or shown.inodes[path][4] < 1024
    blocks.close()


def test_extended_attributes_are_those_that_the_kernel_shows(shown: Shown) -> None:
    with opened(shown.image) as ext:
        assert len(shown.xattrs) > 8
        for path in shown.inodes:
            if path in shown.xattrs or not path.startswith("/big/"):
                assert ext.xattrs(path) == shown.xattrs.get(path, {}), path


def test_free_space_and_names_are_what_e2fsprogs_and_blkid_print(shown: Shown) -> None:
    dumped = run("dumpe2fs", shown.image)
    block = int(found[1]) if (found := re.search(r"^Block size: +(\d+)$", dumped, re.MULTILINE)) else 0
    count = int(found[1]) if (found := re.search(r"^Block count: +(\d+)$", dumped, re.MULTILINE)) else 0
    free: set[int] = set()
    for listed in re.findall(r"^  Free blocks: (.+)$", dumped, re.MULTILINE):
        for part in listed.split(", "):
            first, _, last = part.partition("-")
            free.update(range(int(first), int(last or first) + 1))
    assert len(free) > count // 4
    with opened(shown.image) as ext:
        edges = {number + step for number in free if number - 1 not in free for step in (-1, 0)}
        edges |= {number + step for number in free if number + 1 not in free for step in (0, 1)} - {count}
        for number in sorted(edges | set(range(0, count, 11))):
            assert ext.is_free(number * block) == (number in free), number
        assert ext.is_free(count * block)
        assert ext.block_bytes == block
        assert free_runs(ext, count) == joined(Extent(number, 1) for number in free)
        printed = run("blkid", "-p", "-o", "export", shown.image).splitlines()
        assert f"UUID={ext.uuid}" in printed
        assert f"TYPE={ext.kind}" in printed
        label = run("blkid", "-p", "-s", "LABEL", "-o", "value", shown.image).removesuffix("\n")
        assert ext.label == label


def test_blocks_of_64_kib_are_read_as_the_folder_that_mke2fs_copied_them_from(tmp_path: Path) -> None:
    """Kernels with pages of 4 KiB do not mount them: the oracle is the folder, as the kernel shows it where it is."""
    source, shown = tmp_path / "source", Shown(tmp_path / "image")
    source.mkdir()
    with (tmp_path / "source.image").open("wb") as file:
        file.truncate(64 * MIB)
    run("mke2fs", "-q", "-t", "ext4", tmp_path / "source.image")
    with mounted(tmp_path / "source.image", AT_ONCE, "ext4") as root:
        populate(root, 4000)
        (root / "lost+found").rmdir()
        look(root, shown)
        with shown.image.open("wb") as file:
            file.truncate(512 * MIB)
        run("mke2fs", "-q", "-F", "-t", "ext4", "-b", "65536", "-d", root, shown.image)
    assert shutil.which("e2fsck")
    run("sh", "-c", 'e2fsck -fyD "$1" || test $? -le 2', "sh", shown.image)
    with opened(shown.image) as ext:
        assert "Block size:               65536" in run("dumpe2fs", "-h", shown.image)
        walked = {path: as_tuple(inode) for path, inode in ext.walk() if path != "/lost+found"}
        assert ext.damage == []
        assert [without_number(path, each) for path, each in sorted(walked.items())] == [
            without_number(path, each) for path, each in sorted(shown.inodes.items())
        ]
        for path, expected in shown.contents.items():
            if stat.S_ISLNK(shown.inodes[path][0]):
                assert ext.readlink(path) == expected
            else:
                assert hashlib.sha256(ext.read(path, 1 << 30)).hexdigest() == expected, path
            assert ext.xattrs(path) == shown.xattrs.get(path, {}), path


def without_number(path: str, told: tuple[int, ...]) -> tuple[object, ...]:
    """Return what mke2fs(8) copies: no inode number, no size of a folder, and of times only some bits of seconds."""
    mode, _, uid, gid, size, mtime_ns = told
    return (
        path,
        mode,
        uid,
        gid,
        0 if stat.S_ISDIR(mode) else size,
        mtime_ns // 10**9 % 2**32 if path[:5] != "/some" else 0,
    )


@pytest.mark.slow
def test_blocks_with_numbers_of_64_bits_are_found() -> None:
    memory = Path("/dev/shm")
    if not memory.is_dir():
        pytest.skip("only a file system in memory holds files of 32 TiB")
    with TemporaryDirectory(dir=memory) as folder:
        shown = Shown(Path(folder) / "image")
        # By this seed the kernel puts the folders, and so their files, behind the first 16 TiB.
        seed = "77777777-7777-4777-8777-777777777777"
        make(shown.image, Variant(f"-t ext4 -J size=4 -N 2000000 -E hash_seed={seed}", size=32 << 40))
        with mounted(shown.image, kind="ext4") as root:
            for number in range(60):
                (root / f"{number}").mkdir()
                (root / f"{number}/file").write_text(f"{number}" * 2000)
                os.setxattr(root / f"{number}/file", "user.long", b"v" * 500)
        with mounted(shown.image, "loop,ro", kind="ext4") as root:
            look(root, shown)
        with opened(shown.image) as ext:
            assert {path: as_tuple(inode) for path, inode in ext.walk()} == shown.inodes
            assert ext.damage == []
            far = [each.offset for path in shown.contents for each in ext.extents(path) if each.offset >> 12 >= 1 << 32]
            assert len(far) > 10
            assert not any(ext.is_free(offset) for offset in far)
            for path, expected in shown.contents.items():
                assert hashlib.sha256(ext.read(path, 1 << 20)).hexdigest() == expected
                assert ext.xattrs(path) == shown.xattrs[path]
