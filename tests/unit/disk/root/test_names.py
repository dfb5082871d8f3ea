"""Names of devices, fstab and mount units as they are written."""

from __future__ import annotations

import pytest

from amigate.disk.root import fstab, mount_units
from amigate.disk.root.devices import Devices
from amigate.disk.root.part import Part
from amigate.disk.root.wanted import Wanted
from amigate.disk.volumes.volume import State, Volume

from .conftest import Fake, logical, partition


@pytest.fixture
def devices() -> Devices:
    return Devices(
        [
            partition(1, Fake({}, uuid="2b3f-AA", label="my root"), label="root x", uuid="1111-aaaa"),
            partition(14, state=State.EXEMPT, kind="unknown", uuid="1111-aaab"),
            logical("vg-a/lv-b", Fake({})),
            logical("vg/home", Fake({})),
        ]
    )


@pytest.mark.parametrize(
    "name, volume",
    [
        ("UUID=2b3f-aa", "sda/p1"),
        ('UUID="2b3f-AA"', "sda/p1"),
        ("LABEL=my root", "sda/p1"),
        ("LABEL=My root", None),
        ("PARTUUID=1111-AAAA", "sda/p1"),
        ("PARTUUID=1111-aaab", "sda/p14"),
        ("PARTLABEL=root x", "sda/p1"),
        ("PARTUUID=", None),
        ("LABEL=", None),
        ("/dev/disk/by-uuid/2b3f-AA", "sda/p1"),
        ("/dev/disk/by-label/my\\x20root", "sda/p1"),
        ("/dev/disk/by-partuuid/1111-aaaa", "sda/p1"),
        ("/dev/disk/by-partlabel/root\\x20x", "sda/p1"),
        ("/dev/disk/by-id/dm-name-vg-home", "vg/home"),
        ("/dev/mapper/vg--a-lv--b", "vg-a/lv-b"),
        ("/dev/mapper/vg-a-lv-b", None),
        ("/dev/vg-a/lv-b", "vg-a/lv-b"),
        ("/dev/vg/home", "vg/home"),
        ("/dev/sda1", "sda/p1"),
        ("/dev/xvda1", "sda/p1"),
        ("/dev/vda14", "sda/p14"),
        ("/dev/nvme0n1p1", "sda/p1"),
        ("/dev/nvme0n11", None),
        ("/dev/nvme0n1p", None),
        ("/dev/nvme0n1", None),
        ("/dev/sdb1", None),
        ("/dev/nvme1n1p1", None),
        ("/dev/sda", None),
        ("/dev/sda/p1", None),
        ("1111-aaaa", None),
    ],
)
def test_a_name_means_a_volume_or_nothing(devices: Devices, name: str, volume: str | None) -> None:
    assert [part.volume.name for part in devices.named(name)] == ([volume] if volume else [])


def test_names_of_the_kernel_mean_nothing_where_there_are_several_disks() -> None:
    devices = Devices([partition(1, Fake({})), partition(1, Fake({}), disk="sdb")])
    assert devices.named("/dev/sda1") == []
    assert devices.may_be_here("/dev/sdb1")


@pytest.mark.parametrize("other", ["LVM2_member", "empty"])
def test_a_disk_without_partitions_is_one_too(other: str) -> None:
    whole = Part(volume=Volume(name="sdb", kind=other, state=State.EXEMPT))
    assert Devices([partition(1, Fake({})), whole]).named("/dev/sda1") == []


@pytest.mark.parametrize(
    "name, may",
    [
        ("/dev/xvdb", False),
        ("/dev/vg/other", False),
        ("UUID=other", False),
        ("/dev/md0", True),
        ("/dev/disk/by-id/x", True),
    ],
)
def test_a_name_that_nobody_can_tell_may_be_here(name: str, may: bool) -> None:  # noqa: FBT001 - what is expected
    assert Devices([partition(1, Fake({}))]).may_be_here(name) == may
    assert Devices([partition(1, Fake({})), partition(2, kind="crypto_LUKS", state=State.UNSUPPORTED)]).may_be_here(
        name
    )


def test_fstab_is_read_as_libmount_does() -> None:
    text = (
        b"# comment\n\n  \nUUID=a\t/\text4  defaults,ro 0 1\nLABEL=my\\040label /mnt/a\\040b// auto\n/dev/sdb1 /x\n"
        b"/dev/sdc none swap sw 0 0\nonly\n/dev/sdd relative ext4\n/swapfile swap swap\n"
        b"/a\\134b /\\303\\244 none bind,\n"
        b"x /\xff/../y ext4 defaults\r\n"
    )
    assert fstab.parse(text) == [
        wanted("UUID=a", "/", "ext4", "defaults", "ro"),
        wanted("LABEL=my label", "/mnt/a b", "auto", "defaults"),
        wanted("/dev/sdb1", "/x", "auto", "defaults"),
        wanted("/a\\b", "/ä", "none", "bind", ""),
        wanted("x", "/y", "ext4", "defaults"),
    ]


def wanted(what: str, where: str, kind: str, *options: str) -> Wanted:
    return Wanted(what=what, where=where, kind=kind, options=frozenset(options), source="/etc/fstab")


UNIT = (
    b"[Unit]\nWhat=/dev/no\n[Mount]\nWhat = /dev/sda2\nWhere=/mnt/\n#Type=no\nOptions=ro,nofail\n[Install]\nWhere=/no\n"
)


def test_a_mount_unit_says_what_is_mounted() -> None:
    assert mount_units.parse("x.mount", UNIT) == Wanted(
        what="/dev/sda2", where="/mnt", options=frozenset({"ro", "nofail"}), source="x.mount"
    )


@pytest.mark.parametrize(
    "text", [b"", b"[Mount]\nWhat=/dev/x\n", b"[Mount]\nWhere=/x\n", b"[Mount]\nWhat=a\nWhere=b\n"]
)
def test_a_unit_without_device_or_place_mounts_nothing(text: bytes) -> None:
    assert mount_units.parse("x.mount", text) is None


def test_units_count_where_they_are_enabled() -> None:
    files = Fake(
        {
            "/etc/systemd/system/a.mount": UNIT,
            "/etc/systemd/system/b.mount": UNIT,
            "/etc/systemd/system/c.mount": UNIT,
            "/etc/systemd/system/multi-user.target.wants/a.mount": "-> ../a.mount",
            "/etc/systemd/system/local-fs.target.requires/c.automount": "-> ../c.automount",
            "/etc/systemd/system/local-fs.target.wants/d.mount": "-> /usr/lib/systemd/system/d.mount",
            "/etc/systemd/system/local-fs.target.wants/gone.mount": "-> /nowhere",
            "/usr/lib/systemd/system/d.mount": UNIT,
        }
    )
    sources = [unit.source for unit in mount_units.enabled(files)]
    assert sources == [*(f"/etc/systemd/system/{each}.mount" for each in "ac"), "/usr/lib/systemd/system/d.mount"]


@pytest.mark.parametrize(
    "options, mounted, network, subfolder",
    [
        ("noauto", False, False, "/"),
        ("noauto,x-systemd.automount", True, False, "/"),
        ("defaults,_netdev", True, True, "/"),
        ("X-mount.subdir=a/../b", True, False, "/b"),
    ],
)
def test_options_say_how_it_is_mounted(options: str, mounted: bool, network: bool, subfolder: str) -> None:  # noqa: FBT001
    line = wanted("x", "/x", "ext4", *options.split(","))
    assert (line.is_mounted, line.is_network, line.subfolder) == (mounted, network, subfolder)
