"""The tree of a disk as put together from its volumes, beside the kernel's own mounts of the same volumes."""

from __future__ import annotations

import os
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from amigate.disk.readers import READERS, open_reader
from amigate.disk.root.assemble import assemble
from amigate.disk.root.part import Part
from amigate.disk.volumes.survey import survey

from .shown import mounted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .conftest import Bench, Opener

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts")

SIZE = 320
FSTAB = """\
UUID={root} / xfs defaults 0 1
LABEL=homes /home ext4 defaults 0 2
PARTLABEL=my\\040data /srv/my\\040data xfs defaults,nofail 0 2
/srv/my\\040data/logs /var/log none bind 0 0
/dev/disk/by-partuuid/{data} /opt xfs X-mount.subdir=logs 0 0
tmpfs /tmp tmpfs size=1g 0 0
"""


CONTENT: list[dict[str, str]] = [
    {"etc/fstab": FSTAB, "etc/passwd": "root", "usr/bin/true": "", "home/before": "", "var/log/hidden": "x"},
    {"bob/.ssh/authorized_keys": "key", "ann/x": ""},
    {"logs/syslog": "a log", "logs/old/1": "", "other/y": "z"},
]


def test_the_tree_of_a_disk_is_what_the_kernel_shows(bench: Bench, opened: Opener) -> None:
    disk = bench.image("disk.raw", 3 * SIZE + 16)
    sizes = f"size={SIZE}M"
    table = f'label: gpt\nstart=2048,{sizes}\n{sizes}\n{sizes},name="my data"\n'
    bench.run("sfdisk", disk, text=table)
    data = bench.run("sfdisk", "--part-uuid", disk, "3").strip().lower()
    with ExitStack() as stack:
        devices = [stack.enter_context(loop(bench, disk, 1 + number * SIZE)) for number in range(3)]
        for device, label in zip(devices, ("root", "homes", "data"), strict=True):
            bench.run(*(("mkfs.ext4", "-q") if label == "homes" else ("mkfs.xfs", "-q")), "-L", label, device)
        root = bench.run("blkid", "-p", "-s", "UUID", "-o", "value", devices[0]).strip()
        for device, content in zip(devices, CONTENT, strict=True):
            fill(bench, device, {path: text.format(root=root, data=data) for path, text in content.items()})
        shown = shown_by_kernel(bench, devices)
    parts = [
        Part(volume=each, reader=open_reader(each.kind, each.blocks) if each.kind in READERS and each.blocks else None)
        for each in survey([("disk", opened(disk))])
    ]
    tree = assemble(parts)
    assert {found.path: (found.inode.mode, found.inode.number, found.inode.size) for found in tree.walk()} == shown
    assert list(tree.damage) == []
    assert [place.at for place in tree.unseen] == []
    assert list(tree.apart) == []
    assert [found.path for found in tree.hidden("/home")] == ["/home/before"]
    assert tree.read("/var/log/syslog", 99) == b"a log"


@contextmanager
def loop(bench: Bench, disk: Path, mebibyte: int) -> Iterator[str]:
    """Yield a loop device of a partition."""
    place = ("--offset", str(mebibyte << 20), "--sizelimit", str(SIZE << 20))
    device = bench.run("losetup", "--find", "--show", *place, disk).strip()
    try:
        yield device
    finally:
        bench.run("losetup", "--detach", device)


@contextmanager
def shown_at(bench: Bench, at: Path, *what: str) -> Iterator[Path]:
    """Mount read-only, so that a mount that another process took along changes nothing any more."""
    bench.run("mount", "-o", "ro", *what, at)
    try:
        yield at
    finally:
        bench.run("umount", at)


def fill(bench: Bench, device: str, content: dict[str, str]) -> None:
    with mounted(Path(device), "rw", "auto", at=bench.folder / "fill") as at:
        for path, text in content.items():
            (at / path).parent.mkdir(parents=True, exist_ok=True)
            (at / path).write_text(text)
        if "etc/fstab" in content:
            for folder in ("srv/my data", "opt", "tmp"):
                (at / folder).mkdir(parents=True)
            (at / "etc/link").symlink_to("../home/bob")


def shown_by_kernel(bench: Bench, devices: list[str]) -> dict[str, tuple[int, int, int]]:
    """Return mode, inode number and size of all that the kernel shows where everything is mounted as fstab has it."""
    root, homes, data = devices
    at = bench.folder / "mnt"
    at.mkdir()
    with (
        shown_at(bench, at, root),
        shown_at(bench, at / "home", homes),
        shown_at(bench, at / "srv/my data", data),
        shown_at(bench, at / "var/log", "--bind", str(at / "srv/my data/logs")),
        shown_at(bench, at / "opt", "--bind", str(at / "srv/my data/logs")),
    ):
        found: dict[str, tuple[int, int, int]] = {}
        for folder, folders, files in os.walk(at):
            for name in (*folders, *files):
                path = f"{folder}/{name}"
                told = os.lstat(path)
                found[path.removeprefix(str(at))] = (told.st_mode, told.st_ino, told.st_size)
        return found
