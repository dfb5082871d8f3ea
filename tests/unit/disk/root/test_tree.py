"""The tree that is put together, what it hides, what it cannot show, and what is no part of it."""

from __future__ import annotations

import hashlib
import hmac
import stat
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from amigate.disk.blocks import Extent, IncompleteError
from amigate.disk.root import assemble as assembly
from amigate.disk.root import tree as trees
from amigate.disk.root.assemble import assemble
from amigate.disk.volumes.volume import State
from amigate.evidence.at_rest import look
from amigate.evidence.file_system import resolve
from amigate.evidence.keep import Keep
from amigate.evidence.questions import Glob, Needs

from .conftest import DAMAGED, GPT_ROOT, Fake, logical, partition, root

if TYPE_CHECKING:
    from collections.abc import Mapping

    from amigate.disk.root.part import Part
    from amigate.disk.root.tree import Tree

    from .conftest import Content

HOME = Fake({"/bob/key": b"secret", "/bob/link": "-> /etc/passwd"}, uuid="home-uuid")


def walked(tree: Tree) -> list[str]:
    return [found.path for found in tree.walk()]


def mounted(fstab: str, *others: Part, **more: Content) -> Tree:
    """Return a tree whose root holds `more`, with `__` for each slash."""
    return assemble([partition(1, root(fstab, more=paths(more))), *others])


def paths(more: Mapping[str, Content]) -> dict[str, Content]:
    return {f"/{path.replace('__', '/')}": content for path, content in more.items()}


@pytest.fixture
def tree() -> Tree:
    return mounted("UUID=home-uuid /home xfs defaults 0 2\n", logical("vg/home", HOME), home__old__key=b"hidden")


def test_a_path_leads_to_the_file_system_that_is_mounted_there(tree: Tree) -> None:
    assert tree.read("/home/bob/key", 3) == b"sec"
    assert tree.read("/etc/passwd", 9) == b"root"
    assert tree.readlink("/home/bob/link") == "/etc/passwd"
    assert resolve(tree, "/home/bob/link") == "/etc/passwd"
    assert tree.xattrs("/home/bob")["user.path"] == b"home-uuid/bob"
    part, extents = tree.extents("/home/bob/key")
    assert part.volume.name == "vg/home"
    assert list(extents) == [Extent(HOME.lstat("/bob/key").number * 4096, 10)]
    assert tree.root.volume.name == "sda/p1"


def test_a_mount_point_is_the_root_of_what_is_mounted(tree: Tree) -> None:
    assert tree.lstat("/home").number == HOME.lstat("/").number
    assert list(tree.listdir("/home")) == ["bob"]
    with pytest.raises(FileNotFoundError):
        tree.lstat("/home/old")


def test_a_walk_shows_what_the_machine_shows(tree: Tree) -> None:
    found = {each.path: each for each in tree.walk()}
    assert sorted(found) == [
        "/etc",
        "/etc/fstab",
        "/etc/passwd",
        "/home",
        "/home/bob",
        "/home/bob/key",
        "/home/bob/link",
        "/usr",
        "/usr/bin",
        "/usr/bin/true",
    ]
    assert (found["/home/bob/key"].part.volume.name, found["/home/bob/key"].inner) == ("vg/home", "/bob/key")
    assert found["/home"].inode == HOME.lstat("/")


def test_what_a_mount_hides_is_not_lost(tree: Tree) -> None:
    hidden = list(tree.hidden("/home"))
    assert [(each.path, each.inner, each.part.volume.name) for each in hidden] == [
        ("/home/old", "/home/old", "sda/p1"),
        ("/home/old/key", "/home/old/key", "sda/p1"),
    ]
    assert list(tree.hidden("/")) == []


def test_questions_are_asked_of_the_tree_as_of_any_file_system(tree: Tree) -> None:
    view = look(tree, [Needs(first=(Glob("/home/*/key", Keep.WHOLE),))], redactor=None)
    assert view.entries["/home/bob/key"].content == b"secret"


def test_a_name_that_only_begins_like_a_mount_point_is_not_below_it() -> None:
    tree = mounted("UUID=home-uuid /home xfs", logical("vg/home", HOME), homely__x=b"1", home__x=b"2")
    assert "/homely/x" in walked(tree)
    assert tree.read("/homely/x", 9) == b"1"


def test_mounts_within_mounts_come_after_them_whatever_their_order() -> None:
    deep = Fake({"/deep": b""}, uuid="deep")
    tree = mounted(
        "UUID=deep /home/bob/x xfs\nUUID=home-uuid /home xfs\n", partition(2, HOME), partition(3, deep), home__bob=b""
    )
    assert tree.read("/home/bob/x/deep", 1) == b""
    assert sorted(tree.listdir("/home/bob")) == ["key", "link", "x"]
    assert walked(tree)[-2:] == ["/home/bob/x", "/home/bob/x/deep"]
    assert list(tree.hidden("/home/bob/x")) == []


def test_a_place_that_is_missing_is_made_as_systemd_does() -> None:
    tree = mounted("UUID=home-uuid /data/deep/home xfs", partition(2, HOME))
    assert stat.S_ISDIR(tree.lstat("/data").mode)
    assert list(tree.listdir("/data")) == ["deep"]
    assert "data" in list(tree.listdir("/"))
    assert resolve(tree, "/data/deep/home/bob/key") == "/data/deep/home/bob/key"
    assert list(tree.hidden("/data/deep/home")) == []


def test_links_in_the_path_of_a_place_are_followed() -> None:
    tree = mounted("UUID=home-uuid /users/x xfs", partition(2, HOME), users="-> home", home__x=None)
    assert tree.read("/home/x/bob/key", 9) == b"secret"


def test_a_bind_mount_shows_a_folder_in_a_second_place() -> None:
    tree = mounted(
        "UUID=home-uuid /home xfs\n/home/bob /srv none bind\n/etc/passwd /users none bind", partition(2, HOME)
    )
    assert tree.read("/srv/key", 9) == b"secret"
    assert tree.read("/users", 9) == b"root"
    assert [path for path in walked(tree) if path.startswith(("/srv", "/users"))] == [
        "/srv",
        "/srv/key",
        "/srv/link",
        "/users",
    ]


def test_a_bind_mount_shows_no_mounts_below_its_source() -> None:
    tree = mounted("/ /mnt none bind\nUUID=home-uuid /home xfs", partition(2, HOME), home__old=b"", mnt=None)
    assert list(tree.listdir("/mnt/home")) == ["old"]
    assert list(tree.listdir("/mnt/mnt")) == []


def test_a_bind_mount_over_a_file_hides_that_file() -> None:
    tree = mounted("/etc/passwd /etc/shadow none bind", etc__shadow=b"hash")
    assert tree.read("/etc/shadow", 9) == b"root"
    assert [
        (each.path, each.part.reader.read(each.inner, 9)) for each in tree.hidden("/etc/shadow") if each.part.reader
    ] == [("/etc/shadow", b"hash")]


def test_bind_mounts_in_a_circle_are_refused() -> None:
    with pytest.raises(IncompleteError, match="in a circle"):
        mounted("/a /b none bind\n/b /a none bind", a=None, b=None)


def test_a_subfolder_of_a_device_is_mounted_and_the_rest_stands_apart() -> None:
    tree = mounted("UUID=home-uuid /home xfs X-mount.subdir=bob", partition(2, HOME))
    assert tree.read("/home/key", 9) == b"secret"
    assert [part.prefix for part in tree.apart] == ["[sda/p2]"]


def test_what_is_mounted_nowhere_stands_apart() -> None:
    tree = mounted("UUID=home-uuid /home xfs noauto\n", logical("vg/home", HOME), home__old=b"")
    assert [(part.prefix, part.reader) for part in tree.apart] == [("[vg/home]", HOME)]
    assert list(tree.listdir("/home")) == ["old"]


def test_what_has_no_content_at_rest_hides_nothing() -> None:
    tree = mounted("tmpfs /tmp tmpfs defaults\nproc /proc proc\nnone /x none\n", tmp__key=b"1")
    assert tree.read("/tmp/key", 9) == b"1"
    assert tree.unseen == []


UNREAD = partition(2, state=State.UNSUPPORTED, kind="btrfs", reason="btrfs is not read", label="data")
ESP = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b"
LOADER = partition(15, Fake({"/EFI/debian/grub.cfg": b"search"}, uuid="AB-CD", kind="vfat"), kind="vfat", type=ESP)
BROKEN_LOADER = partition(15, kind="vfat", type=ESP, state=State.INCOMPLETE, reason="damaged")


@pytest.mark.parametrize(
    "line, others, reason",
    [
        ("PARTLABEL=data /mnt btrfs", [UNREAD], "sda/p2 is mounted there, btrfs is not read"),
        ("PARTLABEL=data /mnt btrfs nofail", [UNREAD], "sda/p2 is mounted there"),
        ("UUID=gone /mnt ext4", [], "which is none of the volumes read"),
        ("UUID=gone /mnt ext4 nofail", [UNREAD], "which is none of the volumes read"),
        ("UUID=AB-CD /mnt vfat nofail", [BROKEN_LOADER], "which is none of the volumes read"),
        ("PARTUUID=000000015-aaaa /mnt vfat", [BROKEN_LOADER], "sda/p15 is mounted there, damaged"),
        ("server:/x /mnt nfs4 nofail", [], "network file system"),
        ("/dev/x /mnt ext4 _netdev", [], "network file system"),
        (
            "UUID=home-uuid /mnt xfs",
            [partition(2, HOME), partition(3, HOME)],
            "which several volumes are: sda/p2, sda/p3",
        ),
        ("UUID=home-uuid /mnt xfs\nUUID=x /mnt xfs", [partition(2, HOME)], "several things are to be mounted there"),
        ("/missing /mnt none bind", [], "cannot be told"),
        ("/srv/disk.img /mnt auto loop", [], "none of the volumes read"),
        ("overlay /mnt overlay lowerdir=/x", [], "none of the volumes read"),
    ],
)
def test_below_what_cannot_be_read_nothing_is_known_to_be_absent(line: str, others: list[Part], reason: str) -> None:
    tree = mounted(f"UUID=root-uuid / xfs\n{line}", *others, mnt__old__key=b"hidden")
    assert [place.at for place in tree.unseen] == ["/mnt"]
    for path in ("/mnt", "/mnt/x", "/mnt/old/key"):
        with pytest.raises(IncompleteError, match=reason):
            tree.lstat(path)
    assert "mnt" in list(tree.listdir("/"))
    assert not [path for path in walked(tree) if path.startswith("/mnt")]
    assert [each.path for each in tree.hidden("/mnt")] == ["/mnt/old", "/mnt/old/key"]


def test_an_efi_partition_is_mounted_as_any_other() -> None:
    tree = mounted("UUID=root-uuid / xfs\nUUID=ab-cd /boot/efi vfat umask=0077 0 1", LOADER)
    assert tree.read("/boot/efi/EFI/debian/grub.cfg", 9) == b"search"
    assert tree.unseen == []


@pytest.mark.parametrize("line", ["/dev/xvdb /mnt auto defaults,nofail 0 2", "UUID=gone /mnt ext4 nofail"])
def test_where_a_device_may_lack_and_does_the_machine_shows_its_own_folder(line: str) -> None:
    tree = mounted(line, mnt__key=b"1")
    assert tree.read("/mnt/key", 9) == b"1"
    assert tree.unseen == []


def test_below_an_unseen_place_nothing_is_mounted_and_what_would_be_stands_apart() -> None:
    tree = mounted("UUID=gone /mnt ext4\nUUID=home-uuid /mnt/home xfs", partition(2, HOME), mnt=None)
    with pytest.raises(IncompleteError):
        tree.read("/mnt/home/bob/key", 9)
    assert [part.reader for part in tree.apart] == [HOME]


def test_an_enabled_unit_stands_in_for_fstab() -> None:
    units: dict[str, Content] = {
        "/etc/systemd/system/home.mount": b"[Mount]\nWhat=UUID=home-uuid\nWhere=/home\n",
        "/etc/systemd/system/local-fs.target.wants/home.mount": "-> ../home.mount",
    }
    tree = assemble([partition(1, root("UUID=gone /home ext4", more=units)), partition(2, HOME)])
    assert tree.read("/home/bob/key", 9) == b"secret"


def test_units_that_cannot_be_told_leave_the_tree_open() -> None:
    with pytest.raises(IncompleteError):
        mounted("", etc__systemd__system=DAMAGED)


def test_damage_of_every_file_system_is_told() -> None:
    broken = Fake({"/x/y": DAMAGED, "/x/z": b""}, uuid="b")
    tree = mounted("UUID=b /home xfs\n/home/x /mnt none bind", partition(2, broken))
    assert "/home/x/z" in walked(tree)
    assert "/mnt/z" in walked(tree)
    assert any("/x/y is damaged" in sentence for sentence in tree.damage)


def test_a_walk_ends_at_its_limit_and_says_so(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trees, "MOST_ENTRIES", 5)
    assert len(walked(tree)) == 5
    assert "more than 5 entries" in tree.damage[0]


def test_too_many_mounts_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assembly, "_MOST_MOUNTS", 3)
    with pytest.raises(IncompleteError, match="more than 3"):
        mounted("".join(f"/etc /{number} none bind\n" for number in range(4)))


GENERATOR: dict[str, Content] = {"/usr/lib/systemd/system-generators/systemd-gpt-auto-generator": b""}
TYPES = {"home": "933ac7e1-2eb4-4f13-b844-0e14e2aef915", "var": "4d21b016-b534-45c2-a9fb-5c16e091fd2d"}


def generated(place: str, fstab: str = "", **more: Content) -> Tree:
    there = root(fstab, more=GENERATOR | paths(more))
    return assemble([partition(1, there, type=GPT_ROOT), partition(2, HOME, type=TYPES[place]), LOADER])


def test_a_partition_is_mounted_by_its_type() -> None:
    tree = generated("home")
    assert tree.read("/home/bob/key", 9) == b"secret"
    assert [place.at for place in tree.mounts] == ["/", "/home", "/boot"]


def test_a_partition_is_not_mounted_by_its_type_over_something_or_without_systemd() -> None:
    for tree in (
        generated("home", home__old=b""),
        generated("home", "UUID=home-uuid /home xfs noauto"),
        assemble([partition(1, root(), type=GPT_ROOT), partition(2, HOME, type=TYPES["home"])]),
        assemble([partition(1, root(more=GENERATOR), type="0x83"), partition(2, HOME, type=TYPES["home"])]),
        assemble(
            [partition(1, root(more=GENERATOR), type=GPT_ROOT), partition(1, HOME, type=TYPES["home"], disk="sdb")]
        ),
    ):
        assert [part.reader for part in tree.apart] == [HOME]


def test_loaders_are_mounted_at_boot_or_efi() -> None:
    for at, tree in (
        ("/efi", generated("home", boot__vmlinuz=b"")),
        ("/boot/efi", generated("home", "UUID=AB-CD /boot/efi vfat")),
    ):
        assert [place.at for place in tree.mounts if place.part is LOADER] == [at]
        assert tree.read(f"{at}/EFI/debian/grub.cfg", 9) == b"search"


def of_machine(machine: bytes, uuid: str) -> Tree:
    there = root(more=GENERATOR | {"/etc/machine-id": machine})
    return assemble([partition(1, there, type=GPT_ROOT), partition(2, HOME, type=TYPES["var"], uuid=uuid)])


def test_var_is_mounted_only_by_the_machine_that_it_was_made_for() -> None:
    machine = "0123456789abcdef0123456789abcdef"
    digest = hmac.new(bytes.fromhex(machine), UUID(TYPES["var"]).bytes, hashlib.sha256).digest()[:16]
    uuid = str(UUID(bytes=digest, version=4))
    tree = of_machine(f"{machine}\n".encode(), uuid)
    assert tree.read("/var/bob/key", 9) == b"secret"
    assert of_machine(b"", uuid).apart
    assert of_machine(b"uninitialized\n", uuid).apart
