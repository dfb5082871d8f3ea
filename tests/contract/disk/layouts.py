"""Layouts of the disks of machines, each with a root file system somewhere in it."""

from __future__ import annotations

import json
import re
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .images import Area, disk, file_systems, mounts, put

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from .conftest import Bench

EXT4 = Area(make="mkfs.ext4 -q")
XFS = Area(make="mkfs.xfs -q", mebibytes=304)
ESP, BIOS_BOOT, SWAP, LINUX, LVM = (
    "C12A7328-F81F-11D2-BA4B-00A0C93EC93B",
    "21686148-6449-6E6F-744E-656564454649",
    "0657FD6D-A4AB-43C4-84E5-0933C84B4F4F",
    "0FC63DAF-8483-4772-8E79-3D69D8477DE4",
    "E6D6D379-F507-44C2-A23C-238F2A3DF928",
)
EXTENT = 4 << 20


@dataclass(frozen=True, kw_only=True)
class Layout:
    """How file systems become a disk."""

    areas: Sequence[Area]
    make: Callable[[Bench, Sequence[Path]], Path]
    removed: str = "srv/removed"
    """Where the file lay that was removed."""
    fstab: str = ""
    """What is mounted beside the areas."""

    def image(self, bench: Bench, tree: Mapping[str, str | bytes], *, removed: bool) -> Path:
        """Make the image of a machine with this tree; with `removed`, a private key lies in free space."""
        fstab = mounts(self.areas) + self.fstab
        where = self.removed if removed else ""
        return self.make(bench, file_systems(bench, self.areas, tree, removed=where, fstab=fstab))


def plain(bench: Bench, images: Sequence[Path]) -> Path:
    """Make a disk without a partition table."""
    del bench
    return images[0]


def gpt(bench: Bench, images: Sequence[Path]) -> Path:
    """Make a disk with a partition for each file system."""
    sizes = [image.stat().st_size >> 20 for image in images]
    table = "label: gpt\n" + "".join(f"size={size}M,type={LINUX}\n" for size in sizes)
    return disk(bench, table, images, sum(sizes) + 2)


def bootable(bench: Bench, images: Sequence[Path], esp: Path | None = None) -> Path:
    """Make a disk that firmware of both kinds starts from, with swap and one file system; the ESP may be given."""
    if esp is None:
        esp = bench.image("esp", 34)
        bench.run("mkfs.vfat", "-F", "32", esp)
    swap = bench.image("swap", 8)
    bench.run("mkswap", "-q", swap)
    loader = bench.image("loader", 1)
    with loader.open("r+b") as file:
        file.write(bytes.fromhex("5256be1b") + b"loading" * 100)
    sizes = [image.stat().st_size >> 20 for image in (loader, esp, swap, *images)]
    types = (BIOS_BOOT, ESP, SWAP, LINUX)
    table = "label: gpt\n" + "".join(f"size={size}M,type={kind}\n" for size, kind in zip(sizes, types, strict=True))
    return disk(bench, table, (loader, esp, swap, *images), sum(sizes) + 2)


def extended(bench: Bench, images: Sequence[Path]) -> Path:
    """Make a disk with one primary partition and all others in an extended one."""
    sizes = [image.stat().st_size >> 20 for image in images]
    rest = "".join(f"size={size}M,type=83\n" for size in sizes[1:])
    table = f"label: dos\nstart=2048,size={sizes[0]}M,type=83,bootable\ntype=5\n{rest}"
    return disk(bench, table, images, sum(sizes) + len(sizes) + 2)


def logical(bench: Bench, images: Sequence[Path]) -> Path:
    """Make a disk with a volume over two physical ones, extended onto the second."""
    image = disk(bench, f"label: gpt\nsize=40M,type={LVM}\nsize=40M,type={LVM}\n", [None, None], 84)
    starts = (1 << 20, 41 << 20)
    with ExitStack() as stack:
        devices = [stack.enter_context(bench.loop(image, offset=start, length=40 << 20)) for start in starts]

        def lvm(command: str, *arguments: str) -> str:
            return bench.run(command, "--devices", ",".join(devices), "--driverloaded", "n", *arguments)

        for device in devices:
            lvm("pvcreate", device)
        lvm("vgcreate", "vg", *devices)
        lvm("lvcreate", "-an", "-Zn", "-Wn", "-y", "-n", "root", "-L", "24M", "vg", devices[0])
        lvm("lvextend", "-L", "48M", "vg/root", devices[1])
        fields = ("--segments", "-o", "seg_start_pe,seg_size_pe,seg_pe_ranges")
        told = json.loads(lvm("lvs", "--reportformat", "json", *fields, "vg/root"))["report"][0]["seg"]
    content = images[0].read_bytes()
    assert {re.sub(r":.*", "", each["seg_pe_ranges"]) for each in told} == set(devices)
    for each in told:
        device, first, last = re.fullmatch(r"(\S+):(\d+)-(\d+)", each["seg_pe_ranges"]).groups()  # type: ignore[union-attr]
        begin = int(each["seg_start_pe"]) * EXTENT
        piece = bench.folder / "piece"
        piece.write_bytes(content[begin : begin + (int(last) + 1 - int(first)) * EXTENT])
        put(bench, piece, image, starts[devices.index(device)] + (1 << 20) + int(first) * EXTENT)
    return image


def qcow2(make: Callable[[Bench, Sequence[Path]], Path], compression: str) -> Callable[[Bench, Sequence[Path]], Path]:
    """Make a disk in a compressed image."""

    def converted(bench: Bench, images: Sequence[Path]) -> Path:
        raw = make(bench, images)
        image = bench.folder / f"{compression}.qcow2"
        bench.run("qemu-img", "convert", "-c", "-O", "qcow2", "-o", f"compression_type={compression}", raw, image)
        return image

    return converted


USUAL = """\
/dev/sr0 /media/cdrom0 udf,iso9660 user,noauto 0 0
UUID=9c4a4a5e-3b0e-4c9c-9a53-0f5a3e0e5a11 none swap sw 0 0
tmpfs /tmp tmpfs nosuid,nodev 0 0
LABEL=data /srv/data xfs defaults,nofail 0 2
files.example:/export /srv/shared nfs4 defaults,_netdev 0 0
"""
LAYOUTS = {
    "ext2, no table": Layout(areas=[Area(make="mkfs.ext2 -q -b 4096")], make=plain),
    "ext3 of 1k, no table": Layout(areas=[Area(make="mkfs.ext3 -q -b 1024")], make=plain),
    "ext4 of 1k, no table": Layout(areas=[Area(make="mkfs.ext4 -q -b 1024")], make=plain),
    "ext4 of 4k, no table": Layout(areas=[Area(make="mkfs.ext4 -q -b 4096")], make=plain),
    "xfs, no table": Layout(areas=[XFS], make=plain),
    "gpt with boot, esp and swap": Layout(areas=[EXT4], make=bootable, fstab=USUAL),
    "gpt with /boot and /home": Layout(
        areas=[XFS, Area(make="mkfs.ext4 -q -b 1024", at="/boot"), Area(make="mkfs.ext4 -q", at="/home")],
        make=gpt,
        removed="home/removed",
    ),
    "gpt with /srv and /srv/app": Layout(
        areas=[EXT4, Area(make="mkfs.ext4 -q", at="/srv"), Area(make="mkfs.xfs -q", at="/srv/app", mebibytes=304)],
        make=gpt,
        removed="srv/app/removed",
    ),
    "mbr, extended": Layout(
        areas=[Area(make="mkfs.ext2 -q", at="/boot"), EXT4, Area(make="mkfs.ext3 -q", at="/home")],
        make=extended,
        removed="home/removed",
    ),
    "lvm over two disks": Layout(areas=[EXT4], make=logical),
    "qcow2 of zlib": Layout(areas=[EXT4], make=qcow2(plain, "zlib")),
    "qcow2 of zstd": Layout(areas=[XFS], make=qcow2(gpt, "zstd")),
}
