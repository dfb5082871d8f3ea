"""How much free space is clean: of file systems that are new, from which files were deleted, and that were filled."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from amigate.check import InconclusiveError
from amigate.cli import _run
from amigate.disk.raw import Raw
from amigate.disk.readers import open_reader
from amigate.disk.witness.inspect import inspect
from amigate.evidence.inspection import Inspection
from amigate.evidence.redaction.redactor import Redactor
from amigate.facts.disks import Disks
from amigate.harden import template

from .fat_images import FatImage, has_vfat
from .shown import MIB, mounted, run

if TYPE_CHECKING:
    from amigate.evidence.inspection import InspectedVolume

    from .conftest import Bench

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts")

RULE = "disk-free-space-clean"
PROFILE = f"""\
name: clean
description: x
audience: accounts
blocking: medium
evidence: [disk]
rules:
  {RULE}: {{settings: {{at_most_percent: 1}}}}
"""
FILES, BYTES = 64, 100_000
"""That are deleted: files, and bytes of each."""
KINDS = {
    "ext2 of 1 KiB": ("mkfs.ext2 -q -b 1024", 32),
    "ext3": ("mkfs.ext3 -q", 64),
    "ext4": ("mkfs.ext4 -q", 64),
    "vfat": ("mkfs.vfat -F 32", 64),
    "xfs": ("mkfs.xfs -q", 304),
    "xfs with rmapbt": ("mkfs.xfs -q -m rmapbt=1", 304),
}
EVERY = [pytest.param(each, marks=[] if each in {"ext4", "xfs"} else pytest.mark.slow) for each in KINDS]
"""Of vfat where the kernel has it."""


def made(bench: Bench, kind: str) -> Path:
    """Return a new file system that something was put into."""
    if kind == "vfat" and not has_vfat():
        pytest.skip("this kernel has no vfat")
    make, mebibytes = KINDS[kind]
    image = bench.image("image", mebibytes)
    bench.run(*make.split(), image)
    with mounted(image, kind=kind_of(image)) as root:
        for number in range(200):
            (root / f"folder{number % 5}").mkdir(exist_ok=True)
            (root / f"folder{number % 5}/{number}").write_text("kept" * number)
    return image


def kind_of(image: Path) -> str:
    return run("blkid", "-p", "-s", "TYPE", "-o", "value", image).strip()


def delete_something(root: Path) -> None:
    """Write files as far as the disk, and delete them."""
    dice = random.Random(7)  # noqa: S311 - the same bytes each time
    files = [root / f"deleted{number}" for number in range(FILES)]
    for file in files:
        file.write_bytes(dice.randbytes(BYTES))
    run("sync", "-f", root)
    for file in files:
        file.unlink()


def fill(root: Path, mounts: Path) -> None:
    """Run what the step `disk` adds to the seal, on this file system alone, which is all that `mounts` will list."""
    process = Path(*root.parts[:3])
    listed = [line.split(maxsplit=2) for line in (process / "mounts").read_text().splitlines()]
    (device, rest), *_ = [(device, rest) for device, at, rest in listed if process / "root" / at[1:] == root]
    mounts.write_text(f"{device} {root} {rest}\n")
    script = template.render("disk.seal.sh.j2")
    for its, ours in (("</proc/self/mounts", f"<{mounts}"), ("/sys/fs/ext4/*/", f"/sys/fs/ext4/{Path(device).name}/")):
        assert script.count(its) == 1
        script = script.replace(its, ours)
    run("sh", "-euc", script)


def volume_of(image: Path) -> InspectedVolume:
    """Return what is told of an image that is one file system."""
    with Raw(image) as disk:
        view = inspect([("disk", disk)], (), Redactor())
    assert view.inspection
    (volume,) = view.inspection.volumes
    return volume


def one_by_one(image: Path) -> tuple[int, int]:
    """Return how many bytes are free, and how many of those are in blocks that are not all zeros."""
    with Raw(image) as disk:
        reader = open_reader(kind_of(image), disk)
        size = reader.block_bytes
        free = [at for at in range(0, disk.size, size) if reader.is_free(at)]
        return len(free) * size, sum(any(disk.read(at, size)) for at in free) * size


def findings(volume: InspectedVolume) -> list[str]:
    disks = Disks(inspection=Inspection(volumes=(volume,)))
    disks.require_free_space_counted()
    return [f"{each.subject}: {each.detail}" for each in disks.unclean(1)]


@pytest.mark.parametrize("kind", EVERY)
def test_what_was_deleted_shows_until_the_free_space_is_filled_with_zeros(kind: str, bench: Bench) -> None:
    image = made(bench, kind)
    assert findings(volume_of(image)) == []
    with mounted(image, kind=kind_of(image)) as root:
        delete_something(root)
    deleted = volume_of(image)
    assert (deleted.free_bytes, deleted.unclean_bytes) == one_by_one(image)
    assert FILES * BYTES <= (deleted.unclean_bytes or 0) < FILES * BYTES * 1.1
    assert len(findings(deleted)) == 1
    with mounted(image, kind=kind_of(image)) as root:
        fill(root, bench.folder / "mounts")
    filled = volume_of(image)
    assert filled.free_bytes == deleted.free_bytes
    assert findings(filled) == []


def test_a_file_system_that_mke2fs_filled_has_no_unclean_free_space(bench: Bench) -> None:
    image = bench.image("image", 64)
    bench.run("mke2fs", "-q", "-t", "ext4", "-d", Path(__file__).parent, image)
    assert volume_of(image).unclean_bytes == 0


def test_what_was_deleted_from_a_fat_shows(bench: Bench) -> None:
    image = FatImage.made(bench.folder / "image", "-F 32", 64 * MIB)
    file = bench.folder / "file"
    file.write_bytes(b"x" * FILES * BYTES)
    image.copy_in(file)
    assert volume_of(image.path).unclean_bytes == 0
    image.delete("/file")
    deleted = volume_of(image.path)
    assert (deleted.free_bytes, deleted.unclean_bytes) == one_by_one(image.path)
    assert FILES * BYTES <= (deleted.unclean_bytes or 0) < FILES * BYTES + (64 << 10)
    assert len(findings(deleted)) == 1


def test_what_lies_behind_a_file_system_makes_its_free_space_no_larger(bench: Bench) -> None:
    image = made(bench, "ext4")
    told = volume_of(image)
    with image.open("ab") as file:
        file.write(b"behind" * 100_000)
        file.truncate(512 * MIB)
    larger = volume_of(image)
    assert (larger.free_bytes, larger.unclean_bytes) == (told.free_bytes, told.unclean_bytes)


def test_what_is_free_once_the_journal_is_replayed_is_free(bench: Bench) -> None:
    image, copy = made(bench, "ext4"), bench.folder / "copy"
    with mounted(image, kind="ext4") as root:
        delete_something(root)
        run("sync", "-f", root)
        shutil.copyfile(image, copy)
    told = volume_of(copy)
    assert len(findings(told)) == 1
    with mounted(copy, kind="ext4"):
        pass
    replayed = volume_of(copy)
    assert (replayed.free_bytes, replayed.unclean_bytes) == (told.free_bytes, told.unclean_bytes)


@pytest.mark.slow
def test_free_space_of_an_xfs_with_a_log_that_was_not_written_out_is_not_counted(bench: Bench) -> None:
    image, copy = made(bench, "xfs"), bench.folder / "copy"
    with mounted(image) as root:
        delete_something(root)
        run("sync", "-f", root)
        shutil.copyfile(image, copy)
    with pytest.raises(InconclusiveError, match=r"disk \(xfs\) is incomplete: .* log"):
        findings(volume_of(copy))


def test_free_space_of_which_bitmap_and_group_say_different_things_is_not_counted(bench: Bench) -> None:
    image = made(bench, "ext2 of 1 KiB")
    block = next(
        block for block in range(20_000, 32_000) if "not in use" in run("debugfs", "-R", f"testb {block}", image)
    )
    run("debugfs", "-w", "-R", f"setb {block}", image)
    volume = volume_of(image)
    assert (volume.free_bytes, volume.unclean_bytes) == (None, None)
    with pytest.raises(InconclusiveError, match=r"its free space was not counted: .* free blocks are listed"):
        findings(volume)


def test_the_rule_fails_with_the_share_and_saved_evidence_is_judged_by_another_limit(bench: Bench) -> None:
    files, image = bench.folder / "files", bench.image("image", 64)
    files.mkdir()
    (files / "deleted").write_bytes(bytes(range(1, 256)) * (8 * MIB // 255))
    bench.run("mke2fs", "-q", "-t", "ext4", "-d", files, image)
    profile, kept, report = (bench.folder / name for name in ("profile.yaml", "kept.evidence", "report.json"))
    profile.write_text(PROFILE)
    options = ("--profile", str(profile), "--report", f"json={report}")
    assert _run(["validate", str(image), *options]) == 0
    assert told(report) == ("pass", [])
    run("debugfs", "-w", "-R", "rm deleted", image)
    assert _run(["validate", str(image), *options, "--save-evidence", str(kept)]) == 1
    status, [(subject, detail)] = told(report)
    assert (status, subject) == ("fail", "disk (ext4)")
    assert re.fullmatch(r"1\d\.\d+ % of its free space is not zeros, 8\.0 MiB of \d+\.\d MiB \(at most 1 %\)", detail)
    profile.write_text(PROFILE.replace("at_most_percent: 1", "at_most_percent: 20"))
    assert _run(["validate", str(kept), *options]) == 0
    assert told(report) == ("pass", [])


def told(report: Path) -> tuple[str, list[tuple[str, str]]]:
    """Return how the rule was decided."""
    (result,) = json.loads(report.read_text())["results"]
    return result["status"], [(each["subject"], each["detail"]) for each in result["findings"]]
