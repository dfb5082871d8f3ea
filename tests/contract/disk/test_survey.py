"""Whole disks as cloud images have them: everything on them ends as some volume."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from amigate.disk.volumes import leftovers
from amigate.disk.volumes.survey import survey
from amigate.disk.volumes.volume import State

if TYPE_CHECKING:
    from pathlib import Path

    from tests.contract.disk.conftest import Bench, Opener

    from amigate.disk.volumes.volume import Volume

M = 1 << 20
DISK = """label: gpt
start=1M, size=1M, type=21686148-6449-6E6F-744E-656564454649
start=2M, size=8M, type=uefi
start=10M, size=40M, name=root
start=50M, size=4M, type=swap
start=60M, size=30M, name=data
start=90M, size=1M, name=none
"""


def tell(opened: Opener, *paths: Path) -> list[tuple[str, str, str]]:
    return [(each.name, each.kind, each.state.value) for each in volumes(opened, *paths)]


def volumes(opened: Opener, *paths: Path) -> list[Volume]:
    found = list(survey([(path.name, opened(path)) for path in paths]))
    sizes = sum(each.blocks.size for each in found if each.blocks)
    assert sizes <= sum(path.stat().st_size for path in paths)
    return found


def disk(bench: Bench) -> Path:
    image = bench.image("disk", 100)
    bench.run("sfdisk", "--quiet", image, text=DISK)
    with image.open("r+b") as file:
        file.seek(1 * M)
        file.write(b"boot loader")
    part(bench, image, 2, 8, "mkfs.vfat")
    part(bench, image, 10, 40, "mke2fs", "-q", "-t", "ext4")
    part(bench, image, 50, 4, "mkswap", "-q")
    part(bench, image, 60, 30, "mke2fs", "-q", "-t", "ext2")
    return image


def part(bench: Bench, image: Path, start: int, size: int, *command: str) -> None:
    """Make a file system and put it into a disk, MiB."""
    made = bench.image("part", size)
    bench.run(*command, made)
    put(image, start * M, made.read_bytes())


def put(image: Path, offset: int, data: bytes) -> None:
    with image.open("r+b") as file:
        file.seek(offset)
        file.write(data)


def test_a_cloud_image(bench: Bench, opened: Opener) -> None:
    assert tell(opened, disk(bench)) == [
        ("disk/p1", "unknown", "exempt"),
        ("disk/p2", "vfat", "readable"),
        ("disk/p3", "ext4", "readable"),
        ("disk/p4", "swap", "exempt"),
        ("disk/p5", "ext2", "readable"),
        ("disk/p6", "empty", "exempt"),
        ("disk/table", "partition-table", "exempt"),
        ("disk@0", "boot-area", "exempt"),
    ]


def test_bytes_between_and_after_partitions(bench: Bench, opened: Opener) -> None:
    image = disk(bench)
    put(image, 55 * M, b"something")
    put(image, 95 * M + 5, b"a secret")
    left = {each.name: each for each in volumes(opened, image)}
    assert (left[f"disk@{54 * M}"].kind, left[f"disk@{54 * M}"].state) == ("leftover", State.EXEMPT)
    after = left[f"disk@{91 * M}"]
    assert after.blocks is not None
    assert b"a secret" in after.blocks.read(4 * M, 4096)


def test_a_deleted_partition(bench: Bench, opened: Opener) -> None:
    image = disk(bench)
    bench.run("sfdisk", "--quiet", "--delete", image, "5")
    left = {each.name: each for each in volumes(opened, image)}[f"disk@{54 * M}"]
    assert (left.kind, left.state) == ("ext2", State.UNSUPPORTED)
    assert left.reason == "unpartitioned space holds an ext2, and its files may still be there"


def test_a_deleted_partition_of_former_times(bench: Bench, opened: Opener) -> None:
    image = bench.image("disk", 50)
    bench.run("sfdisk", "--quiet", image, text="label: dos\nstart=20M\n")
    bench.run("mke2fs", "-q", "-F", "-t", "ext2", "-E", f"offset={63 * 512}", image, "15M")
    left = {each.name: each for each in volumes(opened, image)}
    assert (left["disk@0"].kind, left["disk@0"].state) == ("ext2", State.UNSUPPORTED)


def test_more_space_outside_than_can_be_looked_at(
    bench: Bench, opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = bench.image("disk", 100)
    bench.run("sfdisk", "--quiet", image, text="label: dos\nstart=90M\n")
    put(image, 2 * M, b"x" * 70 * M)
    with monkeypatch.context() as patch:
        patch.setattr(leftovers, "_MOST_PLACES", leftovers._BATCH)
        left = {each.name: each for each in volumes(opened, image)}[f"disk@{M}"]
    assert (left.state, left.reason) == (
        State.INCOMPLETE,
        "there is more of it than is searched for deleted file systems",
    )
    assert {each.name: each for each in volumes(opened, image)}[f"disk@{M}"].state == State.EXEMPT


def test_more_stretches_outside_than_can_be_looked_at(
    bench: Bench, opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = disk(bench)
    for offset in (55, 95):
        put(image, offset * M, b"something")
    monkeypatch.setattr(leftovers, "_MOST_GAPS", 2)  # one of which turns out to hold zeros
    found = {each.name: each for each in volumes(opened, image)}
    assert [name for name in found if "@" in name] == ["disk@0", f"disk@{54 * M}"]
    rest = found[f"disk@{54 * M}"]
    assert rest.state == State.INCOMPLETE
    assert rest.blocks is not None
    assert rest.blocks.read(1 * M, 9) == b"something"
    assert rest.blocks.read(6 * M + 4 * M, 9) == b"something"


EFI, BIOS, PREP = "uefi", "21686148-6449-6E6F-744E-656564454649", "9E1A2D38-C612-4316-AA26-8B49521E5A8B"


@pytest.mark.parametrize(
    "kind,command,state",
    [
        (EFI, ("mkfs.vfat",), State.READABLE),
        (BIOS, ("mkfs.vfat",), State.READABLE),
        (EFI, ("mke2fs", "-q"), State.READABLE),
        (BIOS, ("mke2fs", "-q"), State.READABLE),
        ("swap", ("mke2fs", "-q"), State.READABLE),
        ("linux", ("mkswap", "-q"), State.EXEMPT),
        (EFI, (), State.UNSUPPORTED),
        ("swap", (), State.UNSUPPORTED),
        (BIOS, (), State.EXEMPT),
        (PREP, (), State.EXEMPT),
    ],
)
def test_the_type_of_a_partition_exempts_it_only_with_what_is_in_it(
    bench: Bench, opened: Opener, kind: str, command: tuple[str, ...], state: State
) -> None:
    image = bench.image("disk", 50)
    bench.run("sfdisk", "--quiet", image, text=f"label: gpt\nstart=10M,size=20M,type={kind}\n")
    if command:
        part(bench, image, 10, 20, *command)
    else:
        put(image, 11 * M, b"something")
    assert volumes(opened, image)[0].state == state


def test_a_table_that_is_gone(bench: Bench, opened: Opener) -> None:
    """Its backup still tells of the partitions; without that, the disk is unknown."""
    image = disk(bench)
    put(image, 512, bytes(64 * 512))
    found = {each.name: each for each in volumes(opened, image)}
    assert found["disk/p3"].state == State.READABLE
    assert "backup" in found["disk/p3"].reason
    put(image, 100 * M - 33 * 512, bytes(33 * 512))
    (whole,) = volumes(opened, image)
    assert (whole.name, whole.kind, whole.state) == ("disk", "partition-table", State.INCOMPLETE)
    assert whole.blocks is not None


def test_disks_without_a_table(bench: Bench, opened: Opener) -> None:
    plain, empty, noise = bench.image("plain", 20), bench.image("empty", 20), bench.image("noise", 20)
    bench.run("mke2fs", "-q", "-t", "ext4", plain)
    put(noise, 5 * M, b"noise")
    assert tell(opened, plain, empty, noise) == [
        ("plain", "ext4", "readable"),
        ("empty", "empty", "exempt"),
        ("noise", "unknown", "unsupported"),
    ]


def test_a_file_system_under_a_table(bench: Bench, opened: Opener) -> None:
    """The table wins, as for Linux, and the file system is told."""
    image = bench.image("disk", 50)
    bench.run("mke2fs", "-q", "-t", "ext4", image)
    bench.run("sfdisk", "--quiet", "--wipe", "never", image, text="label: dos\nstart=10M\n")
    found = {each.name: each for each in volumes(opened, image)}
    assert (found["disk@0"].kind, found["disk@0"].state) == ("ext4", State.UNSUPPORTED)
    assert "disk/p1" in found


def test_a_group_over_a_partition_and_a_whole_disk(bench: Bench, opened: Opener) -> None:
    first, second = bench.image("first", 50), bench.image("second", 30)
    bench.run("sfdisk", "--quiet", first, text="label: gpt\nsize=10M\ntype=lvm\n")
    inner = bench.image("inner", 50 - 11 - 1)
    with bench.loop(inner) as one, bench.loop(second) as two:
        lvm = ("--devices", f"{one},{two}", "--driverloaded", "n")
        bench.run("vgcreate", *lvm, "vg", one, two)
        bench.run("lvcreate", *lvm, "-an", "-Zn", "-Wn", "-y", "-n", "root", "-l", "12", "vg")
        at = int(bench.run("pvs", *lvm, "--noheadings", "--units", "b", "--nosuffix", "-o", "pe_start", one))
        bench.run("mke2fs", "-q", "-F", "-t", "ext4", "-E", f"offset={at}", one, "32M")
    put(first, 11 * M, inner.read_bytes())
    bench.run("mke2fs", "-q", "-F", "-t", "ext3", "-E", f"offset={M}", first, "10M")
    assert tell(opened, first, second) == [
        ("first/p1", "ext3", "readable"),
        ("first/table", "partition-table", "exempt"),
        ("first@0", "boot-area", "exempt"),
        ("first/p2", "LVM2_member", "exempt"),
        ("first/p2@0", "lvm-header", "exempt"),
        ("second", "LVM2_member", "exempt"),
        ("second@0", "lvm-header", "exempt"),
        ("vg/root", "ext4", "readable"),
    ]
