"""EFI system partitions are read as every other volume, whether the machine mounts them or not."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING

import pytest

from amigate.at_rest import judge_at_rest
from amigate.profile import load
from amigate.result import Status, Verdict

from .fat_images import MIB, FatImage
from .images import SOUND, Key
from .layouts import EXT4, Layout, bootable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from amigate.result import Report, Result

    from .conftest import Bench

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts")

CLOUD_INIT = ("cloud-init-can-install-launch-key", "package-cloud-init-enabled")
VOLUMES, BYTES, KEYS = "disk-every-volume-inspected", "disk-no-recoverable-secrets", "key-no-user-private-keys"
BY_UUID = "UUID=0B1E-5AFE /boot/efi vfat umask=0077 0 1\n"
BY_LABEL = "LABEL=UEFI /boot/efi vfat umask=0077 0 1\n"
STUB = "search.fs_uuid 0b1e5afe root\nconfigfile $prefix/grub.cfg\n"
DISABLED = "linux /vmlinuz ro cloud-init=disabled\n"
LIVE, FREED = Key("on the ESP"), Key("freed on the ESP")


def esp(bench: Bench, files: Mapping[str, str], *, removed: str = "") -> FatImage:
    """Make an ESP with these files; `removed` is what one held that was removed."""
    image = FatImage.made(bench.folder / "esp", "-F 32 -i 0b1e5afe -n UEFI", 40 * MIB)
    tree = bench.folder / "tree"
    for path, text in {**files, "removed": removed}.items():
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_text(text)
    image.copy_in(*tree.iterdir())
    image.delete("/removed")
    return image


def judged(bench: Bench, image: FatImage, fstab: str) -> Report:
    layout = Layout(areas=[EXT4], make=partial(bootable, esp=image.path), fstab=fstab)
    return judge_at_rest(layout.image(bench, SOUND, removed=False), load("aws-shared"))


def result(report: Report, rule: str) -> Result:
    return next(each for each in report.results if each.id == rule)


@pytest.mark.parametrize("fstab", [BY_UUID, pytest.param(BY_LABEL, marks=pytest.mark.slow)])
def test_a_sound_image_whose_esp_is_mounted_passes(fstab: str, bench: Bench) -> None:
    report = judged(bench, esp(bench, {"EFI/debian/grub.cfg": STUB, "EFI/BOOT/BOOTX64.EFI": "MZ"}), fstab)
    assert {each.id: each.message for each in report.results if each.status is Status.INCONCLUSIVE} == {}
    assert report.verdict is Verdict.PASS
    assert {result(report, rule).status for rule in (*CLOUD_INIT, VOLUMES)} == {Status.PASS}


@pytest.mark.parametrize("path", ["EFI/debian/grub.cfg", "efi/DEBIAN/GRUB.CFG", "loader/entries/debian.conf"])
def test_cloud_init_that_is_switched_off_on_the_esp_fails(path: str, bench: Bench) -> None:
    report = judged(bench, esp(bench, {path: DISABLED}), BY_UUID)
    for rule in CLOUD_INIT:
        found = result(report, rule)
        assert found.status is Status.FAIL
        assert [(each.path.lower(), each.line) for each in found.findings] == [(f"/boot/efi/{path}".lower(), 1)]


def loop(image: FatImage) -> None:
    """Let the folder of loaders lead back to itself."""
    (first,) = image.clusters(["/EFI"])[0]
    link(image, first, first)


def lose_end(image: FatImage) -> None:
    """Let the chain of a file end in a free cluster."""
    (first,) = image.clusters(["/EFI/debian/grub.cfg"])[0]
    link(image, first, 0)


def differ(image: FatImage) -> None:
    """Let the second table say something else."""
    (first,) = image.clusters(["/EFI/debian/grub.cfg"])[0]
    link(image, first, 0, tables=(1,))


def lose_sizes(image: FatImage) -> None:
    """Lose what the boot sector says of the table."""
    patch(image.path, 36, bytes(4))


def link(image: FatImage, cluster: int, following: int, tables: tuple[int, ...] = (0, 1)) -> None:
    with image.path.open("rb") as file:
        start = file.read(64)
    reserved, length = int.from_bytes(start[14:16], "little"), int.from_bytes(start[36:40], "little")
    for number in tables:
        patch(image.path, (reserved + number * length) * 512 + cluster * 4, following.to_bytes(4, "little"))


def patch(path: Path, at: int, value: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(value)


@pytest.mark.parametrize(
    "damage, says, is_open",
    [
        (loop, "its chain of clusters is longer than 4096", True),
        pytest.param(lose_end, "leads to 0x0, which is none", True, marks=pytest.mark.slow),
        (lose_sizes, "its sizes cannot be", True),
        (differ, "the tables of clusters of the vfat file system say different things", False),
    ],
)
def test_a_damaged_esp_leaves_open_what_is_asked_of_it(
    damage: Callable[[FatImage], None],
    says: str,
    is_open: bool,  # noqa: FBT001 - what is expected
    bench: Bench,
) -> None:
    image = esp(bench, {"EFI/debian/grub.cfg": STUB})
    damage(image)
    report = judged(bench, image, BY_UUID)
    assert report.verdict is Verdict.INCONCLUSIVE
    assert "disk/p2 (vfat) is incomplete: " in result(report, VOLUMES).message
    assert says in result(report, VOLUMES).message
    expected = Status.INCONCLUSIVE if is_open else Status.PASS
    assert {result(report, rule).status for rule in CLOUD_INIT} == {expected}
    assert result(report, KEYS).status is Status.INCONCLUSIVE


@pytest.mark.parametrize("fstab, at", [("", "[disk/p2]"), pytest.param(BY_UUID, "/boot/efi", marks=pytest.mark.slow)])
def test_keys_on_an_esp_are_found_in_its_files_and_in_its_free_space(fstab: str, at: str, bench: Bench) -> None:
    image = esp(bench, {"EFI/debian/ein langer Schlüssel 日本": LIVE.private}, removed=FREED.private)
    report = judged(bench, image, fstab)
    assert [(each.path, each.fingerprint) for each in result(report, KEYS).findings] == [
        (f"{at}/EFI/debian/ein langer Schlüssel 日本", LIVE.fingerprint)
    ]
    (freed,) = result(report, BYTES).findings
    assert freed.fingerprint == FREED.fingerprint
    assert freed.subject.startswith("disk/p2 at byte ")
    assert "in free space" in freed.detail
    assert result(report, VOLUMES).status is Status.PASS
