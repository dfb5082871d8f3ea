"""The images that are mutated, a row each, made by the real tools."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.contract.disk.conftest import Bench
from tests.contract.disk.fat_images import FatImage
from tests.contract.disk.fuzz.tree import awkward, loaders, populate
from tests.contract.disk.shown import mounted
from tests.contract.disk.test_xfs_mutations import ANY_SIZE

from amigate.disk.formats import Format

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MIB = 1 << 20
EXT4 = "-t ext4 -b 1024 -O inline_data -J size=1"
XFS_UUID = "7c1ef2f6-6b5b-4b0e-9d0d-6d4f1c1f0a11"
ESP_BYTES = 4 * MIB
ESP_SECTORS = range(2048, 2048 + ESP_BYTES // 512)
MOST_TRIES = 5


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of image."""

    make: Callable[[Bench, Path], None]
    """Writes the image."""
    format: Format = Format.RAW
    has_checksums: bool = True
    """All metadata has them, so that what is told of a mutated image without a word of damage must be so."""
    is_repaired: bool = True
    """It is also mutated with its checksums taken for right."""
    area: range | None = None
    """Sectors: those of them that are read are mutated, in place of the metadata of all volumes."""


def ext4(bench: Bench, image: Path) -> None:
    _ext(bench, image, EXT4)


def ext2(bench: Bench, image: Path) -> None:
    _ext(bench, image, "-t ext2 -b 1024 -I 128")


def ext4_with_journal(bench: Bench, image: Path) -> None:
    """Copy the image while it is mounted, so that its journal is to be replayed."""
    for _ in range(MOST_TRIES):
        source = bench.image("mounted", 8)
        bench.run("mke2fs", "-q", "-F", *EXT4.split(), source)
        with mounted(source, kind="ext4") as root:
            populate(root, "", slow_links=False)
            bench.run("sync", "-f", root)
            awkward(root / "home", slow_links=False)
            bench.run("sync", "-f", root)
            shutil.copyfile(source, image)
        if image.read_bytes() != source.read_bytes():
            return
        time.sleep(0.1)


def xfs(bench: Bench, image: Path) -> None:
    _xfs(bench, image)
    with mounted(image) as root:
        populate(root, "", slow_links=True)


def gpt(bench: Bench, image: Path) -> None:
    """Put the root on ext4, and XFS below it."""
    parts = [bench.folder / "ext4", bench.folder / "xfs"]
    _ext(bench, parts[0], EXT4, f"UUID={XFS_UUID} /opt xfs defaults 0 2\n")
    _xfs(bench, parts[1])
    with mounted(parts[1]) as root:
        awkward(root / "data", slow_links=True)
    sizes = [part.stat().st_size // 512 for part in parts]
    image.write_bytes(bytes(MIB) + b"".join(part.read_bytes() for part in parts) + bytes(MIB))
    table = f"label: gpt\nstart=2048,size={sizes[0]}\nstart={2048 + sizes[0]},size={sizes[1]}\n"
    bench.run("sfdisk", image, text=table)


def _esp(options: str, size: int) -> Callable[[Bench, Path], None]:
    """Return what puts the root on ext4, and an EFI system partition below it."""

    def make(bench: Bench, image: Path) -> None:
        root, esp = bench.folder / "ext4", FatImage.made(bench.folder / "esp", f"{options} -i 0b1e5afe", size)
        _ext(bench, root, EXT4, "UUID=0B1E-5AFE /boot/efi vfat umask=0077 0 1\n")
        esp.copy_in(*loaders(bench.folder / "loaders"))
        esp.delete("/EFI/many/name of some length 01", "/EFI/many/name of some length 20")
        if esp.path.stat().st_size > ESP_BYTES:
            esp.cut(ESP_BYTES)
        contents = [esp.path.read_bytes(), root.read_bytes()]
        image.write_bytes(bytes(MIB) + b"".join(contents) + bytes(MIB))
        start = 2048 + len(contents[0]) // 512
        table = f"label: gpt\nstart=2048,size={start - 2048},type=uefi\nstart={start},size={len(contents[1]) // 512}\n"
        bench.run("sfdisk", image, text=table)

    return make


def lvm(bench: Bench, image: Path) -> None:
    """Put the root into a logical volume."""
    root = bench.folder / "root"
    _ext(bench, root, EXT4)
    bench.image(image.name, 11).replace(image)
    with bench.loop(image) as device:
        options = ("--devices", device, "--driverloaded", "n")
        bench.run("pvcreate", *options, device)
        bench.run("vgcreate", *options, "-s", "1m", "vg", device)
        bench.run("lvcreate", *options, "-an", "-Zn", "-Wn", "-y", "-n", "root", "-L", "8M", "vg")
        told = bench.run("lvs", *options, "--noheadings", "-o", "seg_pe_ranges", "vg/root")
        assert told.strip() == f"{device}:0-7"
    with image.open("r+b") as file:
        file.seek(MIB)
        file.write(root.read_bytes())


def _qcow2(compression: str) -> Callable[[Bench, Path], None]:
    def make(bench: Bench, image: Path) -> None:
        raw = bench.folder / "raw"
        _ext(bench, raw, EXT4)
        options = f"compression_type={compression},cluster_size=4k"
        bench.run("qemu-img", "convert", "-c", "-O", "qcow2", "-o", options, raw, image)
        bench.run("qemu-io", "-c", "write -P 0 7M 64k", image)  # clusters that are not compressed, too

    return make


def _ext(bench: Bench, image: Path, options: str, fstab: str = "") -> None:
    image.write_bytes(bytes(8 * MIB))
    bench.run("mke2fs", "-q", "-F", *options.split(), image)
    with mounted(image, kind="ext4") as root:
        populate(root, fstab, slow_links="ext2" in options)  # that block has no checksum in ext4


def _xfs(bench: Bench, image: Path) -> None:
    image.write_bytes(bytes(20 * MIB))
    options = ("-m", f"uuid={XFS_UUID}", "-b", "size=1024", "-d", "agcount=1", "-l", "size=4m")
    bench.run("env", *(f"{name}={value}" for name, value in ANY_SIZE.items()), "mkfs.xfs", "-q", "-f", *options, image)


KINDS = {
    "ext4": Kind(make=ext4),
    "ext2": Kind(make=ext2, has_checksums=False, is_repaired=False),
    "ext4-journal": Kind(make=ext4_with_journal),
    "xfs": Kind(make=xfs),
    "gpt": Kind(make=gpt),
    "lvm": Kind(make=lvm),
    "esp-fat16": Kind(make=_esp("-F 16 -s 1", ESP_BYTES), has_checksums=False, is_repaired=False, area=ESP_SECTORS),
    "esp-fat32": Kind(make=_esp("-F 32 -s 1", 40 * MIB), has_checksums=False, is_repaired=False, area=ESP_SECTORS),
    "qcow2-zlib": Kind(make=_qcow2("zlib"), format=Format.QCOW2, has_checksums=False, is_repaired=False),
    "qcow2-zstd": Kind(make=_qcow2("zstd"), format=Format.QCOW2, has_checksums=False, is_repaired=False),
}


def image_of(kind: str, folder: Path) -> Path:
    """Return the image of a kind in `folder`, made now unless it is there."""
    image = folder / f"{kind}.img"
    if not image.exists():
        work = folder / f"{kind}.work"
        work.mkdir()
        made = work / "made.img"
        KINDS[kind].make(Bench(work), made)
        made.replace(image)
        shutil.rmtree(work)
    return image
