"""Logical volumes where lvm(8) says that they lie.

lvm works without the device mapper here, so that the tests need none: nothing is activated."""

from __future__ import annotations

import json
import random
import re
import struct
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from amigate.disk.volumes.survey import survey
from amigate.disk.volumes.volume import State

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from tests.contract.disk.conftest import Bench, Opener

    from amigate.disk.volumes.volume import Volume

EXTENT = 4 << 20
START = 1 << 20
SIZE_MIB = 65


class Lvm:
    """Runs lvm on loop devices of images, which are filled with bytes of their own."""

    def __init__(self, bench: Bench, images: Sequence[Path], devices: Sequence[str], start: int = START) -> None:
        self.bench = bench
        self.images = images
        self.devices = devices
        self.start = start

    def __call__(self, command: str, *arguments: str) -> str:
        every = ",".join(self.devices)
        return self.bench.run(command, "--devices", every, "--driverloaded", "n", *arguments)

    def create(self, name: str, *arguments: str, group: str = "vg") -> None:
        self("lvcreate", "-an", "-Zn", "-Wn", "-y", "-n", name, *arguments, group, *self.devices[:1])

    def segments(self, volume: str) -> list[dict[str, str]]:
        """Return the segments of a volume as lvs tells them, in order."""
        fields = "seg_start_pe,seg_size_pe,stripes,stripe_size,seg_pe_ranges"
        told: dict[str, Any] = json.loads(
            self("lvs", "--reportformat", "json", "--units", "b", "--nosuffix", "--segments", "-o", fields, volume)
        )
        found: list[dict[str, str]] = told["report"][0]["seg"]
        return sorted(found, key=lambda each: int(each["seg_start_pe"]))

    def content(self, volume: str) -> bytes:
        """Return the bytes of a volume, put together from what lvs tells."""
        return b"".join(self._segment(each) for each in self.segments(volume))

    def _segment(self, told: dict[str, str]) -> bytes:
        columns = []
        for device, first, last in re.findall(r"(\S+):(\d+)-(\d+)", told["seg_pe_ranges"]):
            image = self.images[self.devices.index(device)].read_bytes()
            columns.append(image[self.start + int(first) * EXTENT : self.start + (int(last) + 1) * EXTENT])
        if len(columns) == 1:
            return columns[0]
        chunk = int(told["stripe_size"])
        rows = range(0, len(columns[0]), chunk)
        return b"".join(column[row : row + chunk] for row in rows for column in columns)


@pytest.fixture
def lvm(bench: Bench) -> Iterator[Lvm]:
    """Return three disks, each a physical volume of the group `vg`, filled with random bytes."""
    seed = random.Random(7)  # noqa: S311 - content of disks
    images = [bench.image(f"disk{index}", SIZE_MIB) for index in range(3)]
    for image in images:
        with image.open("r+b") as file:
            file.seek(START)
            file.write(seed.randbytes((SIZE_MIB << 20) - START))
    with ExitStack() as stack:
        devices = [stack.enter_context(bench.loop(image)) for image in images]
        made = Lvm(bench, images, devices)
        for device in devices:
            made("pvcreate", device)
        made("vgcreate", "vg", *devices)
        yield made


def found(lvm: Lvm, opened: Opener, disks: Sequence[int] = (0, 1, 2)) -> dict[str, Volume]:
    volumes = survey([(f"disk{index}", opened(lvm.images[index])) for index in disks])
    assert len({volume.name for volume in volumes}) == len(volumes)
    return {volume.name: volume for volume in volumes}


def content(volume: Volume) -> bytes:
    assert volume.blocks is not None
    return volume.blocks.read(0, volume.blocks.size)


def test_linear_volumes_of_many_segments_over_several_disks(lvm: Lvm, opened: Opener) -> None:
    lvm.create("root", "-L", "12M")
    lvm.create("var", "-L", "8M")
    lvm("lvextend", "-L", "20M", "vg/root", lvm.devices[0])
    lvm("lvextend", "-L", "32M", "vg/root", lvm.devices[2])
    lvm.create("removed", "-L", "4M")
    lvm.create("last", "-L", "4M")
    lvm("lvremove", "-y", "vg/removed")
    volumes = found(lvm, opened)
    assert len(lvm.segments("vg/root")) == 3
    for name in ("vg/root", "vg/var", "vg/last"):
        assert content(volumes[name]) == lvm.content(name)
    logical = [name for name in volumes if name.startswith("vg/")]
    assert sorted(logical) == ["vg/last", "vg/root", "vg/var"]


def test_volumes_are_recognised_and_named_with_their_ids(lvm: Lvm, opened: Opener) -> None:
    lvm.create("root", "-L", "16M")
    (segment,) = lvm.segments("vg/root")
    assert segment["seg_pe_ranges"].endswith(":0-3")
    lvm.bench.run("mke2fs", "-q", "-t", "ext4", "-F", "-E", f"offset={START}", lvm.images[0], "16M")
    volume = found(lvm, opened)["vg/root"]
    assert (volume.kind, volume.state) == ("ext4", State.READABLE)
    assert volume.uuid == lvm("lvs", "--noheadings", "-o", "lv_uuid", "vg/root").strip()


@pytest.mark.parametrize("count,chunk", [(2, "64k"), (3, "4k"), (3, "1m")])
def test_striped_volumes(lvm: Lvm, opened: Opener, count: int, chunk: str) -> None:
    lvm("lvcreate", "-an", "-Zn", "-Wn", "-y", "-n", "wide", "-i", str(count), "-I", chunk, "-L", "24M", "vg")
    assert content(found(lvm, opened)["vg/wide"]) == lvm.content("vg/wide")


def test_metadata_that_goes_around_its_area(lvm: Lvm, opened: Opener) -> None:
    """Each change is written after the one before, and from the start again where the area ends."""
    bench, small = lvm.bench, lvm.bench.image("small", 20)
    wrapped = []
    with bench.loop(small) as device:
        other = Lvm(bench, [small], [device], start=64 << 10)
        other("pvcreate", "--metadatasize", "16k", "--dataalignment", "64k", device)
        other("vgcreate", "small", device)
        other.create("root", "-L", "4M", group="small")
        with small.open("r+b") as file:
            file.seek(other.start)
            file.write(b"root" * 1000)
        for index in range(100):
            other("lvchange", "--addtag", f"tag{index}", "small/root")
            size, offset, length = struct.unpack_from("<3Q", small.read_bytes()[4096:], 32)
            if offset + length > size:
                wrapped.append(index)
                volumes = {each.name: each for each in survey([("small", opened(small))])}
                assert content(volumes["small/root"]) == other.content("small/root")
                break
    assert wrapped


def test_a_group_that_lacks_a_disk_is_incomplete(lvm: Lvm, opened: Opener) -> None:
    lvm.create("here", "-L", "8M")
    lvm("lvcreate", "-an", "-Zn", "-Wn", "-y", "-n", "there", "-L", "8M", "vg", lvm.devices[2])
    volumes = found(lvm, opened, disks=(0, 1))
    assert content(volumes["vg/here"]) == lvm.content("vg/here")
    assert (volumes["vg/there"].state, volumes["vg/there"].blocks) == (State.INCOMPLETE, None)
    assert "on none of the disks" in volumes["vg/there"].reason


def test_a_disk_without_metadata_of_its_own_is_found_by_the_others(lvm: Lvm, opened: Opener) -> None:
    lvm("pvchange", "--metadataignore", "y", lvm.devices[0])
    lvm.create("root", "-L", "8M")
    assert content(found(lvm, opened)["vg/root"]) == lvm.content("vg/root")


RAID = """
twice {
    id = "aaaaaa-aaaa-aaaa-aaaa-aaaa-aaaa-aaaaaa"
    status = ["READ", "WRITE", "VISIBLE"]
    segment_count = 1
    segment1 {
        start_extent = 0
        extent_count = 1
        type = "raid1"
        device_count = 2
        region_size = 4096
        raids = ["twice_rmeta_0", "twice_rimage_0", "twice_rmeta_1", "twice_rimage_1"]
    }
}
"""


def test_a_raid_is_named_and_its_parts_are_found(lvm: Lvm, opened: Opener) -> None:
    parts = ("twice_rmeta_0", "twice_rimage_0", "twice_rmeta_1", "twice_rimage_1")
    for name in parts:
        lvm.create(name.replace("_r", "x"), "-L", "4M")
    wanted = {name: lvm.content("vg/" + name.replace("_r", "x")) for name in parts}
    backup = lvm.bench.folder / "group.vg"
    lvm("vgcfgbackup", "-f", str(backup), "vg")
    text = backup.read_text().replace("twicex", "twice_r").replace(', "VISIBLE"]', "]")
    backup.write_text(text.replace("logical_volumes {", "logical_volumes {" + RAID))
    lvm("vgcfgrestore", "-f", str(backup), "vg")
    assert lvm("lvs", "--noheadings", "-o", "segtype", "vg").split() == ["raid1"]
    volumes = found(lvm, opened)
    assert (volumes["vg/twice"].state, volumes["vg/twice"].blocks) == (State.UNSUPPORTED, None)
    assert volumes["vg/twice"].reason == "it is of the type raid1, which is not read"
    assert {name: content(volumes[f"vg/{name}"]) for name in parts} == wanted


def test_what_is_left_of_a_removed_volume_is_told(lvm: Lvm, opened: Opener) -> None:
    lvm.create("first", "-L", "4M")
    lvm.create("removed", "-L", "16M")
    lvm.create("last", "-L", "4M")
    lvm.bench.run("mke2fs", "-q", "-t", "ext4", "-F", "-E", f"offset={START + EXTENT}", lvm.images[0], "16M")
    lvm("lvremove", "-y", "vg/removed")
    left = found(lvm, opened)[f"disk0@{START + EXTENT}"]
    assert (left.kind, left.state) == ("ext4", State.UNSUPPORTED)
    assert left.reason == "LVM space of no volume holds an ext4, and its files may still be there"
    assert left.blocks is not None
    assert left.blocks.size == 16 << 20


def test_every_byte_of_every_disk_is_in_one_volume(lvm: Lvm, opened: Opener) -> None:
    lvm.create("root", "-L", "12M")
    lvm("lvcreate", "-an", "-Zn", "-Wn", "-y", "-n", "wide", "-i", "2", "-L", "16M", "vg")
    sizes = [volume.blocks.size for volume in found(lvm, opened).values() if volume.blocks]
    assert sum(sizes) == sum(image.stat().st_size for image in lvm.images)
