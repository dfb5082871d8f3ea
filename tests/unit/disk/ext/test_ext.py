"""What of reading ext needs no kernel: refusals, limits and damage, on images that mke2fs(8) fills."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from amigate.disk.blocks import Extent, IncompleteError, UnsupportedError
from amigate.disk.crc32c import crc32c, extended
from amigate.disk.ext import Ext, mapping
from amigate.disk.ext.acl import as_shown
from amigate.disk.ext.crc16 import crc16
from amigate.disk.inode_tree import reader, walk

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.skipif(not shutil.which("mke2fs"), reason="e2fsprogs is not installed")

ONES = 0xFFFFFFFF
COMPATIBLE, INCOMPATIBLE, READ_ONLY = 92, 96, 100
FEATURES = [
    (INCOMPATIBLE, 0, "compression"),
    (INCOMPATIBLE, 3, "journal_dev"),
    (INCOMPATIBLE, 5, "unknown"),
    (INCOMPATIBLE, 12, "dirdata"),
    (INCOMPATIBLE, 16, "encrypt"),
    (INCOMPATIBLE, 17, "casefold"),
    (INCOMPATIBLE, 18, "unknown"),
    (INCOMPATIBLE, 31, "unknown"),
    (READ_ONLY, 9, "bigalloc"),
]
DEEP = 12


@dataclass
class Image:
    """A device in memory, of blocks of 1 KiB."""

    content: bytearray
    asked: list[list[Extent]] = field(default_factory=list)

    @property
    def size(self) -> int:
        return len(self.content)

    def read(self, offset: int, length: int) -> bytes:
        if offset + length > self.size:
            raise IncompleteError("beyond the end of the device")
        return bytes(self.content[offset : offset + length])

    def prefetch(self, extents: Iterable[Extent]) -> None:
        self.asked.append(list(extents))

    def written(self) -> Iterator[Extent]:
        yield Extent(0, self.size)

    def put(self, at: int, value: bytes) -> None:
        self.content[at : at + len(value)] = value

    def put_superblock(self, at: int, value: bytes) -> None:
        self.put(1024 + at, value)
        self.put(1024 + 1020, (crc32c(bytes(self.content[1024 : 1024 + 1020])) ^ ONES).to_bytes(4, "little"))

    def number(self, at: int) -> int:
        return int.from_bytes(self.content[1024 + at : 1024 + at + 4], "little")

    def inode(self, path: str) -> range:
        """Return where an inode lies."""
        ext = Ext(self)
        index = ext.lstat(path).number - 1
        chunk = ext._nodes._chunk(index >> ext._nodes._log)
        start = chunk.offset + (index & ext._nodes._mask) * 256
        return range(start, start + 256)

    def put_inode(self, path: str, at: int, value: bytes) -> None:
        """Change an inode, and make its checksum right."""
        ext = Ext(self)
        where = self.inode(path)
        self.put(where.start + at, value)
        for half in (124, 130):
            self.put(where.start + half, bytes(2))
        raw = bytes(self.content[where.start : where.stop])
        prefix = ext.lstat(path).number.to_bytes(4, "little") + raw[100:104]
        found = (extended(crc32c(ext._nodes.metadata.superblock.uuid.bytes), prefix + raw) ^ ONES).to_bytes(4, "little")
        self.put(where.start + 124, found[:2])
        self.put(where.start + 130, found[2:])

    def folder_block(self, path: str) -> int:
        """Return where the only block of a folder lies."""
        ext = Ext(self)
        (run,) = ext._nodes.folder_runs(ext._node(path))
        return run.start * 1024

    def put_entry(self, path: str, at: int, value: bytes) -> None:
        """Change the only block of a folder, and make its checksum right."""
        ext = Ext(self)
        start = self.folder_block(path)
        self.put(start + at, value)
        node = ext._node(path)
        seed = extended(crc32c(ext._nodes.metadata.superblock.uuid.bytes), node.identity)
        found = extended(seed, bytes(self.content[start : start + 1012])) ^ ONES
        self.put(start + 1020, found.to_bytes(4, "little"))


def make(folder: Path, *options: str) -> bytes:
    """Return an image that mke2fs(8) fills."""
    source, image = folder / "source", folder / "image"
    if not source.exists():
        (source / "etc").mkdir(parents=True)
        (source / "etc/hostname").write_bytes(b"name\n" * 3000)
        (source / "etc/hostname").chmod(0o640)
        (source / "etc/link").symlink_to("hostname")
        (source / "etc/long").symlink_to("y" * 200)
        os.mkfifo(source / "etc/pipe")
        (source / "block").mkdir()
        for number in range(20):
            (source / f"block/a_file_with_a_long_name_{number:03}").touch()
        (source / "/".join(["deep", *map(str, range(DEEP))])).mkdir(parents=True)
    image.unlink(missing_ok=True)
    with image.open("wb") as file:
        file.truncate(8 << 20)
    command = ["mke2fs", "-q", "-F", "-b", "1024", "-L", "a label", "-d", source, *options, image]
    subprocess.run(
        list(map(str, command)), check=True, env=os.environ | {"PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin"}
    )
    return image.read_bytes()


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return make(tmp_path_factory.mktemp("ext"), "-t", "ext4")


@pytest.fixture
def image(made: bytes) -> Image:
    """Return a copy of the image."""
    return Image(bytearray(made))


def walked(ext: Ext) -> list[str]:
    return [path for path, _ in ext.walk()]


COUNT = 5 + 1 + 20 + 1 + DEEP + 1


@pytest.mark.parametrize("options", ["-t ext4", "-t ext3", "-t ext2 -r 0 -O none", "-t ext4 -O inline_data"])
def test_what_mke2fs_put_there_is_read(options: str, tmp_path: Path) -> None:
    ext = Ext(Image(bytearray(make(tmp_path, *options.split()))))
    assert (ext.kind, ext.label) == (options.split()[1], "a label")
    hostname = ext.lstat("/etc/hostname")
    assert (hostname.mode, hostname.size) == (stat.S_IFREG | 0o640, 15000)
    assert ext.read("/etc/hostname", 7) == b"name\nna"
    assert ext.read("/etc/hostname", 1 << 20) == b"name\n" * 3000
    assert sorted(ext.listdir("/etc")) == ["hostname", "link", "long", "pipe"]
    assert (ext.readlink("/etc/link"), ext.readlink("/etc/long")) == ("hostname", "y" * 200)
    assert len(walked(ext)) == COUNT
    assert ext.xattrs("/etc") == {}
    assert ext.damage == []


def test_a_path_leads_nowhere_in_ways_that_are_told_apart(image: Image) -> None:
    ext = Ext(image)
    with pytest.raises(FileNotFoundError):
        ext.lstat("/etc/nothing")
    with pytest.raises(NotADirectoryError):
        ext.lstat("/etc/hostname/more")
    with pytest.raises(OSError, match="no link"):
        ext.readlink("/etc/hostname")
    for path in ("/etc", "/etc/link", "/etc/pipe"):
        with pytest.raises(OSError, match="no regular file"):
            ext.read(path, 1)


@pytest.mark.parametrize("at, bit, name", FEATURES)
def test_a_feature_that_is_not_read_is_refused_by_name(image: Image, at: int, bit: int, name: str) -> None:
    image.put_superblock(at, (image.number(at) | 1 << bit).to_bytes(4, "little"))
    with pytest.raises(UnsupportedError, match=f"{name} .*bit {bit}"):
        Ext(image)


@pytest.mark.parametrize(
    "at, value, error, text",
    [
        (56, b"XF", UnsupportedError, "no ext"),
        (76, b"\2", UnsupportedError, "revision 2"),
        (373, b"\2", UnsupportedError, "checksums of type 2"),
        (24, b"\x09", IncompleteError, "geometry"),
        (32, bytes(4), IncompleteError, "geometry"),
        (40, b"\1", IncompleteError, "geometry"),
        (88, b"\x81", IncompleteError, "geometry"),
        (254, b"\x21", IncompleteError, "geometry"),
        (336, b"\1", IncompleteError, "geometry"),
        (4, b"\xff\xff", IncompleteError, "geometry|its device"),
    ],
)
def test_a_superblock_that_cannot_be_one_is_refused(
    image: Image, at: int, value: bytes, error: type[OSError], text: str
) -> None:
    image.put_superblock(at, value)
    with pytest.raises(error, match=text):
        Ext(image)


def test_a_superblock_whose_checksum_is_wrong_is_refused(image: Image) -> None:
    image.content[1024 + 150] ^= 1
    with pytest.raises(IncompleteError, match="checksum"):
        Ext(image)


def test_a_device_that_is_shorter_than_its_file_system_is_refused(image: Image) -> None:
    del image.content[-4096:]
    with pytest.raises(IncompleteError, match="its device"):
        Ext(image)
    with pytest.raises(UnsupportedError, match="no ext"):
        Ext(Image(bytearray(100)))


def test_a_journal_on_another_device_is_only_missed_where_it_is_needed(image: Image) -> None:
    image.put_superblock(224, bytes(4))
    assert len(walked(Ext(image))) == COUNT
    image.put_superblock(INCOMPATIBLE, (image.number(INCOMPATIBLE) | 4).to_bytes(4, "little"))
    with pytest.raises(UnsupportedError, match="another device"):
        Ext(image)


@pytest.mark.parametrize(
    "at, value, error, text",
    [
        (0, bytes(4), IncompleteError, "no superblock"),
        (12, b"\0\0\x10\0", IncompleteError, "no superblock"),
        (16, b"\1", IncompleteError, "geometry"),
        (28, b"\1", IncompleteError, "geometry"),
        (40, b"\0\0\0\x40", UnsupportedError, "0x40"),
        (40, b"\x80\0\0\0", UnsupportedError, "0x80000000"),
        (40, b"\0\0\0\4", IncompleteError, "not replayed"),
        (36, b"\0\0\0\1", IncompleteError, "not replayed"),
        (40, b"\0\0\0\x08", UnsupportedError, "checksums"),
        (40, b"\0\0\0\x18\0\0\0\0", UnsupportedError, "checksums"),
        (44, b"\0\0\0\1", UnsupportedError, "0x1"),
    ],
)
def test_a_journal_that_is_not_replayed_is_refused_where_it_is_needed(
    image: Image, at: int, value: bytes, error: type[OSError], text: str
) -> None:
    start = image.content.index(bytes.fromhex("c03b399800000004"))
    image.put(start + at, value)
    assert len(walked(Ext(image))) == COUNT
    image.put_superblock(INCOMPATIBLE, (image.number(INCOMPATIBLE) | 4).to_bytes(4, "little"))
    with pytest.raises(error, match=text):
        Ext(image)


def test_what_the_file_system_says_of_itself_is_noted(image: Image) -> None:
    image.put_superblock(58, b"\3")
    ext = Ext(image)
    assert len(walked(ext)) == COUNT
    assert ext.damage == ["the ext4 file system says of itself that it has errors"]


def test_a_file_system_without_a_journal_that_was_in_use_is_noted(tmp_path: Path) -> None:
    image = Image(bytearray(make(tmp_path, "-t", "ext2")))
    assert Ext(image).damage == []
    image.put(1024 + 58, b"\0")
    (sentence,) = Ext(image).damage
    assert "not unmounted" in sentence


@pytest.mark.parametrize(
    "at, value, text",
    [
        (0, b"\0\0", "in use"),
        (26, b"\0\0", "in use"),
        (128, b"\x21", "in use"),
        (108, b"\0\0\0\x80", "size"),
        (34, b"\x20", "own"),
    ],
)
def test_an_inode_that_cannot_be_one_is_damage(image: Image, at: int, value: bytes, text: str) -> None:
    image.put_inode("/etc/hostname", at, value)
    ext = Ext(image)
    with pytest.raises(IncompleteError, match=text):
        ext.lstat("/etc/hostname")
    assert "/etc/hostname" not in walked(ext)
    assert len(ext.damage) == 1
    assert ext.damage[0].startswith("/etc/hostname: inode")


@pytest.mark.parametrize("bit, name", [(2, "compressed"), (11, "encrypted"), (30, "casefold")])
def test_a_file_of_a_kind_that_is_not_read_is_told_of_and_not_read(image: Image, bit: int, name: str) -> None:
    image.put_inode("/etc/hostname", 32, (0x80000 | 1 << bit).to_bytes(4, "little"))
    image.put_inode("/block", 32, (0x80000 | 1 << bit).to_bytes(4, "little"))
    ext = Ext(image)
    assert ext.lstat("/etc/hostname").size == 15000
    with pytest.raises(UnsupportedError, match=name):
        ext.read("/etc/hostname", 10)
    with pytest.raises(UnsupportedError, match=name):
        list(ext.listdir("/block"))
    assert len(walked(ext)) == COUNT - 20
    assert len(ext.damage) == 1


def test_an_inode_of_the_file_system_itself_is_no_file(image: Image) -> None:
    start = image.folder_block("/block")
    at = bytes(image.content[start : start + 1024]).index(b"a_file_with_a_long_name_007") - 8
    image.put_entry("/block", at, b"\x08\0\0\0")
    ext = Ext(image)
    with pytest.raises(IncompleteError, match="own"):
        ext.lstat("/block/a_file_with_a_long_name_007")
    assert len(walked(ext)) == COUNT - 1


def test_below_a_damaged_folder_nothing_is_known_to_be_absent(image: Image) -> None:
    image.content[image.inode("/etc").start + 200] ^= 1
    ext = Ext(image)
    for path in ("/etc", "/etc/hostname", "/etc/nothing"):
        with pytest.raises(IncompleteError, match="checksum"):
            ext.lstat(path)
    assert "/block" in walked(ext)
    assert ext.damage


@pytest.mark.parametrize("at", [300, 1015, 1022])
def test_a_damaged_block_of_a_folder_is_damage_to_the_folder(image: Image, at: int) -> None:
    image.content[image.folder_block("/block") + at] ^= 1
    ext = Ext(image)
    with pytest.raises(IncompleteError, match="checksum"):
        ext.lstat("/block/nothing")
    assert len(walked(ext)) == COUNT - 20
    assert [each.partition(":")[0] for each in ext.damage] == ["/block"]


@pytest.mark.parametrize(
    "at, value",
    [
        (0, b"\0\0\0\0"),
        (4, b"\x10"),
        (24 + 4, b"\0\0"),
        (24 + 4, b"\x0b\0"),
        (24 + 4, b"\xff\xff"),
        (24 + 6, b"\xff"),
        (24 + 6, b"\0"),
        (24 + 8, b"a/b"),
        (24 + 8, b"a\0b"),
    ],
)
def test_a_block_of_a_folder_that_cannot_be_one_is_damage(image: Image, at: int, value: bytes) -> None:
    image.put_entry("/block", at, value)
    with pytest.raises(IncompleteError, match="folder"):
        list(Ext(image).listdir("/block"))


@pytest.mark.parametrize("most_kept", [1 << 20, 100])
def test_two_entries_of_one_name_decide_nothing(most_kept: int, image: Image, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "_MOST_KEPT_BYTES", most_kept)
    start = image.folder_block("/block")
    at = image.content.index(b"long_name_018", start) - start
    image.put_entry("/block", at, b"long_name_019")
    with pytest.raises(IncompleteError, match="have one name"):
        Ext(image).lstat("/block/a_file_with_a_long_name_019")


@pytest.mark.parametrize("options", ["-t ext4", "-t ext2 -O none"])
def test_a_block_of_a_folder_in_the_place_of_another_is_damage_though_its_checksum_is_right(
    options: str, tmp_path: Path
) -> None:
    (tmp_path / "source/many").mkdir(parents=True)
    for number in range(80):
        (tmp_path / f"source/many/a_file_with_a_long_name_{number:03}").touch()
    image = Image(bytearray(make(tmp_path, *options.split())))
    ext = Ext(image)
    assert (len(list(ext.listdir("/many"))), ext.damage) == (80, [])
    first, second = [
        run.start + at << 10 for run in ext._nodes.folder_runs(ext._node("/many")) for at in range(run.length)
    ][1:3]
    image.put(first, image.read(second, 1024))
    ext = Ext(image)
    with pytest.raises(IncompleteError, match="in the place of another"):
        ext.lstat("/many/nothing")
    walked(ext)
    assert [each.partition(":")[0] for each in ext.damage] == ["/many"]


@pytest.mark.parametrize("at, value", [(4, b"\0\x08"), (4, b"\0\0\0\x70"), (4, b"\0\0"), (4, b"\1\4"), (42, b"\0")])
def test_a_folder_that_says_other_than_it_has_is_damage(image: Image, at: int, value: bytes) -> None:
    image.put_inode("/block", at, value)
    ext = Ext(image)
    with pytest.raises(IncompleteError, match=r"folder|is larger"):
        list(ext.listdir("/block"))
    assert len(walked(ext)) == COUNT - 20
    assert len(ext.damage) == 1


@pytest.mark.parametrize("path, size", [("/etc/link", 0), ("/etc/link", 5000), ("/etc/link", 50), ("/etc/long", 500)])
def test_a_link_that_cannot_be_one_is_damage(image: Image, path: str, size: int) -> None:
    image.put_inode(path, 4, size.to_bytes(4, "little"))
    with pytest.raises(IncompleteError, match="link"):
        Ext(image).readlink(path)


def extent(logical: int, length: int, start: int) -> bytes:
    raw = logical.to_bytes(4, "little") + length.to_bytes(2, "little") + (start >> 32).to_bytes(2, "little")
    return raw + (start & ONES).to_bytes(4, "little")


@pytest.mark.parametrize(
    "at, value, text",
    [
        (40, b"\0\0", "is none"),
        (42, b"\x09", "is none"),
        (46, b"\x09", "9 levels"),
        (52, extent(0, 1, 1 << 40), "where nothing"),
        (52, extent(0, 1, 0), "where nothing"),
        (52, extent(0, 32768, 100), "where nothing"),
        (52, extent(0, 0, 100), "order"),
        (42, b"\2\0\4\0\0\0\0\0\0\0" + extent(5, 3, 300) + extent(7, 3, 400), "order"),
        (42, b"\1\0\4\0\1\0\0\0\0\0" + (0).to_bytes(4, "little") + (300).to_bytes(8, "little"), "node|none|checksum"),
    ],
)
def test_an_extent_that_cannot_be_is_damage(image: Image, at: int, value: bytes, text: str) -> None:
    image.put_inode("/etc/hostname", at, value)
    with pytest.raises(IncompleteError, match=text):
        Ext(image).read("/etc/hostname", 15_000)


def test_room_that_was_never_written_to_reads_as_zeros(image: Image) -> None:
    (where,) = Ext(image).extents("/etc/hostname")
    image.put_inode("/etc/hostname", 52, extent(0, 32768 + 15, where.offset >> 10))
    ext = Ext(image)
    assert ext.read("/etc/hostname", 15_000) == bytes(15_000)
    assert list(ext.extents("/etc/hostname")) == []


def test_a_map_of_blocks_that_goes_round_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    image = Image(bytearray(make(tmp_path, "-t", "ext2", "-I", "256", "-O", "^resize_inode")))
    start = image.inode("/etc/hostname").start
    (first, *_) = Ext(image).extents("/etc/hostname")
    block = first.offset >> 10
    for at in range(first.offset, first.offset + 1024, 4):
        image.put(at, block.to_bytes(4, "little"))
    image.put(start + 40 + 14 * 4, block.to_bytes(4, "little"))
    image.put(start + 4, (1 << 31).to_bytes(4, "little"))
    with pytest.raises(IncompleteError, match="no end"):
        list(Ext(image).extents("/etc/hostname"))
    monkeypatch.setattr(mapping, "MOST_EXTENTS", 0)
    with pytest.raises(IncompleteError, match="more than 0 extents"):
        list(Ext(image).extents("/etc/hostname"))


def test_a_folder_in_two_places_is_walked_once(image: Image) -> None:
    number = Ext(image).lstat("/deep").number
    image.put_entry("/deep", 24, number.to_bytes(4, "little"))
    ext = Ext(image)
    assert "/deep/0" in walked(ext)
    assert ext.damage == [f"/deep/0: the folder (inode {number}) is in another place too"]


def test_a_walk_has_limits_and_says_so(image: Image, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk, "MOST_DEPTH", 3)
    ext = Ext(image)
    assert max(path.count("/") for path in walked(ext)) == 3
    assert ext.damage == ["/deep/0/1: it lies more than 3 folders deep"]
    monkeypatch.setattr(walk, "MOST_ENTRIES", 10)
    ext = Ext(image)
    assert len(walked(ext)) < 10
    assert "more than 10 entries" in ext.damage[0]


def test_a_folder_too_large_to_be_kept_is_looked_through_each_time(
    image: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "_MOST_KEPT_BYTES", 100)
    ext = Ext(image)
    assert ext.lstat("/block/a_file_with_a_long_name_019").size == 0
    with pytest.raises(FileNotFoundError):
        ext.lstat("/block/nothing")


def test_a_walk_asks_ahead_level_by_level(image: Image) -> None:
    ext = Ext(image)
    image.asked.clear()
    walked(ext)
    asked = [extents for extents in image.asked if extents]
    assert len(asked) <= 1 + 3 * (DEEP + 2)
    assert Extent(image.folder_block("/block"), 1024) in [extent for extents in asked for extent in extents]


def test_free_space_is_refused_where_its_bitmap_or_its_group_is_damaged(image: Image) -> None:
    ext = Ext(image)
    assert not ext.is_free(0)
    assert ext.is_free(7 << 20)
    other = Image(bytearray(image.content))
    other.content[(ext._nodes.groups[0].block_bitmap << 10) + 30] ^= 1
    for ask in (lambda: Ext(other).is_free(100 << 10), lambda: list(Ext(other).free_extents())):
        with pytest.raises(IncompleteError, match="free space of block group 0"):
            ask()
    image.content[2048 + 20] ^= 1
    with pytest.raises(IncompleteError, match="descriptor of block group 0"):
        Ext(image)


def test_free_space_is_refused_where_its_group_says_that_there_is_more_or_less(image: Image) -> None:
    """Bitmaps of ext2 and ext3 have no checksum."""
    ext = Ext(image)
    groups = ext._nodes.groups
    groups._groups[0] = groups[0]._replace(free_blocks=groups[0].free_blocks + 1)
    with pytest.raises(IncompleteError, match=r"block group 0 is damaged: (\d+) of \d+ free blocks are listed"):
        list(ext.free_extents())


@pytest.mark.parametrize("value", [b"", b"\2\0\0\0", b"\1\0\0\0\1", b"\1\0\0\0\2\0\7\0\1"])
def test_an_acl_that_is_none_or_does_not_fit_is_damage(value: bytes) -> None:
    with pytest.raises(IncompleteError, match="ACL"):
        as_shown(value)


def test_crc16_is_that_of_the_catalogue() -> None:
    """The check value of CRC-16/MODBUS, which is this one (https://reveng.sourceforge.io/crc-catalogue/16.htm)."""
    assert crc16(0xFFFF, b"123456789") == 0x4B37
