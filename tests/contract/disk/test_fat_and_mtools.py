"""FAT12, FAT16 and FAT32 as read from their blocks, beside what mtools, fsck.fat and GRUB tell of the same image."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import stat
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from amigate.disk.fat import Fat

from .fat_images import MIB, FatImage, has_vfat, run
from .shown import FileBlocks, Shown, look, mounted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from amigate.evidence.file_system import Inode


@dataclass(frozen=True)
class Variant:
    """A way to make a file system, and how much is put into it."""

    options: str
    size: int
    entries: int = 150
    """In the largest folder."""


VARIANTS = {
    "fat12": Variant("-F 12", 2 * MIB),
    "fat12, small clusters and root": Variant("-F 12 -s 1 -r 64 -f 1", MIB, entries=40),
    "fat16": Variant("-F 16", 16 * MIB),
    "fat16, small clusters": Variant("-F 16 -s 1 -a", 4 * MIB, entries=200),
    "fat16, sectors of 4096": Variant("-F 16 -S 4096", 64 * MIB),
    "fat32": Variant("-F 32", 40 * MIB, entries=200),
    "fat32, clusters of 2 KiB": Variant("-F 32 -s 4 -R 100", 140 * MIB, entries=200),
    "fat32, sectors of 4096": Variant("-F 32 -S 4096 -s 1", 272 * MIB),
    "fat32, sectors of 1024": Variant("-F 32 -S 1024 -s 1", 80 * MIB),
}
TIMES = (315532800, 951782400, 951868798, 1078012800, 1709251198, 1709251200, 4102444800, 4107542398)
"""From the first that there is to the last for which mtools knows the day, and ends of Februaries."""
NAMES = (
    *("lower.txt", "UPPER.TXT", "Mixed.Txt", "base.TXT", "BASE2.txt", "plain", "PLAIN2", ".hidden", "a.b.c"),
    *("two  spaces", "naïve", "ÄÖÜ.ÉÑ", "日本語.テキスト", "кириллица", "+,;=", "tilde in it~1", "TILDE~1.TXT"),
    *("a long name of its own.text", "x" * 255),
    *(f"one long name of several {number}" for number in range(12)),
)


@contextmanager
def opened(image: Path) -> Iterator[Fat]:
    """Open an image as amigate does."""
    blocks = FileBlocks(image)
    try:
        yield Fat(blocks)
    finally:
        blocks.close()


def tree(folder: Path, variant: Variant) -> list[Path]:
    """Make files and folders that lie differently in an image; return what is at the top, in an order of its own."""
    dice = random.Random(1)  # noqa: S311 - the same image each time
    for name in ("EFI/debian", "names", "big", "empty", "/".join(["deep", *"abcdefghijklmnopqrstuvwxyz"])):
        (folder / name).mkdir(parents=True)
    (folder / "EFI/debian/grub.cfg").write_text("search\nconfigfile\n")
    for name in NAMES:
        (folder / "names" / name).write_text(name)
    for number in range(variant.entries):
        (folder / "big" / numbered(number)).write_bytes(b"x" * (number % 3))
    for number, time in enumerate(TIMES):
        size = (0, 1, 511, 512, 513, 4096, 40000, 70001)[number]
        (folder / f"f{number}").write_bytes(dice.randbytes(size))
        os.utime(folder / f"f{number}", (time, time))
    os.utime(folder / "EFI", (1078012800, 1078012800))
    return sorted(folder.iterdir(), key=lambda path: path.name[::-1])


def numbered(number: int) -> str:
    return f"file number {number:06d}{'x' * (number % 40)}"


def populate(image: FatImage, folder: Path, variant: Variant) -> None:
    """Fill an image, delete some of it, and write a file into what that leaves."""
    image.copy_in(*tree(folder, variant))
    image.delete(*(f"/big/{numbered(number)}" for number in range(1, variant.entries, 3)))
    image.delete("/deep/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q/r", "/f5")
    (folder / "pieces").write_bytes(random.Random(2).randbytes(100_001))  # noqa: S311
    image.forget_what_is_free()
    image.copy_in(folder / "pieces")


@pytest.fixture(scope="module", params=VARIANTS)
def filled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FatImage]:
    variant = VARIANTS[request.param]
    folder = tmp_path_factory.mktemp("fat")
    image = FatImage.made(folder / "image", variant.options, variant.size)
    (folder / "source").mkdir()
    populate(image, folder / "source", variant)
    image.copy_out(folder / "shown")
    yield image
    shutil.rmtree(folder)


def shown(image: FatImage) -> dict[str, Path]:
    """Return what mtools copied out, by its path in the image."""
    top = image.path.with_name("shown")
    return {f"/{path.relative_to(top)}": path for path in top.rglob("*")}


def told(inode: Inode) -> tuple[int, int, int]:
    """Return what mtools keeps of a file."""
    return stat.S_IFMT(inode.mode), 0 if stat.S_ISDIR(inode.mode) else inode.size, inode.mtime_ns


def kept(path: Path) -> tuple[int, int, int]:
    status = path.lstat()
    return stat.S_IFMT(status.st_mode), status.st_size if path.is_file() else 0, status.st_mtime_ns


def test_a_walk_yields_every_entry_with_size_and_time_as_mtools_does(filled: FatImage) -> None:
    with opened(filled.path) as fat:
        walked = [(path, told(inode)) for path, inode in fat.walk()]
        assert fat.damage == []
    expected = {path: kept(each) for path, each in shown(filled).items()}
    assert len(walked) == len(expected) > 80
    assert dict(walked) == expected
    depths = [path.count("/") for path, _ in walked]
    assert depths == sorted(depths)


def test_contents_are_those_that_mtools_reads(filled: FatImage) -> None:
    with opened(filled.path) as fat:
        for path, each in shown(filled).items():
            if each.is_file():
                content = each.read_bytes()
                assert fat.read(path, 1 << 30) == content, path
                assert fat.read(path, 100) == content[:100]
                assert b"".join(fat.pieces(path)) == content
            else:
                assert sorted(fat.listdir(path)) == sorted(child.name for child in each.iterdir())


def test_files_and_folders_lie_where_mtools_finds_them_and_nothing_else_is_used(filled: FatImage) -> None:
    with opened(filled.path) as fat:
        geometry = fat._geometry
        size = geometry.cluster_bytes
        start = geometry.data << geometry.sector_log
        walked = list(fat.walk())
        root = ["/"] if geometry.bits == 32 else []
        expected = filled.clusters([*(path for path, _ in walked), *root])
        used = {cluster for clusters in expected for cluster in clusters}
        for (path, inode), clusters in zip(walked, expected, strict=False):
            if stat.S_ISDIR(inode.mode):
                assert inode.size == len(clusters) * size
            else:
                lies = [at for extent in fat.extents(path) for at in range(extent.offset, extent.end, size)]
                assert [(at - start) // size + 2 for at in lies] == clusters, path
        assert len(list(fat.extents("/pieces"))) > 2
        assert filled.used() == (len(used), geometry.clusters)
        for cluster in range(2, geometry.clusters + 2):
            for offset in (0, size - 1):
                assert fat.is_free(start + (cluster - 2) * size + offset) == (cluster not in used), cluster
        free = [at for extent in fat.free_extents() for at in range(extent.offset, extent.end, size)]
        assert free == [start + (at - 2) * size for at in range(2, geometry.clusters + 2) if at not in used]
        assert not any(fat.is_free(offset) for offset in range(0, start, 512))
        assert fat.is_free(start + geometry.clusters * size)


def test_serial_number_and_label_are_what_blkid_prints(filled: FatImage) -> None:
    printed = run("blkid", "-p", "-o", "export", filled.path).splitlines()
    with opened(filled.path) as fat:
        assert (fat.kind, fat.uuid, fat.label) == ("vfat", "1A2B-3C4D", "A LABEL")
        assert {f"TYPE={fat.kind}", f"UUID={fat.uuid}", "LABEL=A\\ LABEL"} <= set(printed)


def test_paths_lead_where_vfat_leads_whatever_their_case_and_by_short_names_too(filled: FatImage) -> None:
    with opened(filled.path) as fat:
        config = fat.lstat("/EFI/debian/grub.cfg")
        for path in ("/efi/Debian/GRUB.CFG", "/EFI/DEBIAN/grub.cfg", "/eFi/debian./grub.cfg."):
            assert fat.lstat(path) == config
        assert fat.lstat("/NAMES/alongn~1.TEX") == fat.lstat("/names/a long name of its own.text")
        assert list(fat.listdir("/efi/DEBIAN")) == ["grub.cfg"]
        for path in ("/EFI/debian/grub", "/names/ÄÖü.éÑ", "/."):
            with pytest.raises(FileNotFoundError):
                fat.lstat(path)
        with pytest.raises(NotADirectoryError):
            fat.lstat("/EFI/debian/grub.cfg/x")


def test_names_with_pairs_of_surrogates_are_what_grub_tells(tmp_path: Path) -> None:
    image = FatImage.made(tmp_path / "image", "-F 12", MIB)
    (tmp_path / "日本 x").touch()
    image.copy_in(tmp_path / "日本 x")
    content = image.path.read_bytes()
    image.path.write_bytes(content.replace("日本".encode("utf-16-le"), "😀".encode("utf-16-le")))
    with opened(image.path) as fat:
        assert [path for path, _ in fat.walk()] == ["/😀 x"]
    assert image.by_grub("/") == ["😀 x"]


def test_fat32_of_few_clusters_is_read_as_grub_and_linux_read_it(tmp_path: Path) -> None:
    """As mkfs.fat makes small EFI system partitions; others take it for FAT16, and mtools does not read it at all."""
    image = FatImage.made(tmp_path / "image", "-F 32", 40 * MIB)
    (tmp_path / "source").mkdir()
    image.copy_in(*tree(tmp_path / "source", Variant("", 0)))
    with opened(image.path) as fat:
        expected = list(fat.walk())
    image.cut(20 * MIB)
    with opened(image.path) as fat:
        assert fat._geometry.clusters < 65525
        assert list(fat.walk()) == expected
        assert fat.damage == []
        names = set(image.by_grub("/names/"))
        assert {name for name in fat.listdir("/names") if name.isascii() and name.islower()} <= names | {".hidden"}
        assert len(names) == len(list(fat.listdir("/names"))) - 1
        assert image.used()[1] == fat._geometry.clusters
        run("grub-fstest", image.path, "cp", "(loop0)/f7", tmp_path / "f7")
        assert fat.read("/f7", MIB) == (tmp_path / "f7").read_bytes() == (tmp_path / "source/f7").read_bytes()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts")
@pytest.mark.skipif(not has_vfat(), reason="this kernel has no vfat")
def test_all_is_as_the_kernel_shows_it(filled: FatImage) -> None:
    oracle = Shown(filled.path)
    with mounted(filled.path, "loop,ro,utf8,tz=UTC,umask=022", "vfat") as root:
        look(root, oracle)
    with opened(filled.path) as fat:
        walked = {path: (each.mode, each.uid, each.gid, each.size, each.mtime_ns) for path, each in fat.walk()}
        assert walked == {path: (each[0], *each[2:]) for path, each in oracle.inodes.items()}
        for path, digest in oracle.contents.items():
            assert hashlib.sha256(fat.read(path, 1 << 30)).hexdigest() == digest, path
