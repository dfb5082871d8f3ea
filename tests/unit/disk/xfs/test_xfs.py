"""What of reading XFS needs no kernel: refusals, limits and damage, on an image that mkfs.xfs(8) fills."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from amigate.disk.blocks import Extent, IncompleteError, UnsupportedError
from amigate.disk.crc32c import crc32c
from amigate.disk.inode_tree import reader, walk
from amigate.disk.xfs import Xfs, folders
from amigate.disk.xfs.acl import as_shown
from amigate.disk.xfs.inodes import CHUNK_LOG
from amigate.evidence.file_system import resolve

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

pytestmark = pytest.mark.skipif(not shutil.which("mkfs.xfs"), reason="xfsprogs is not installed")

ANY_SIZE = {"TEST_DIR": "x", "TEST_DEV": "x", "QA_CHECK_FS": "x"}
"""As the tests of xfsprogs ask mkfs.xfs(8) for small file systems."""
SUPERBLOCK_CHECKSUM, INODE_CHECKSUM, FOLDER_CHECKSUM = 224, 100, 4
VERSION, INCOMPATIBLE, IN_PROGRESS, GROUPS, LOG_START = 100, 216, 126, 88, 48
DEEP = 12


@dataclass
class Image:
    """A device in memory."""

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

    def put(self, at: int, value: bytes, structure: range, checksum: int) -> None:
        """Write something, and the checksum of the structure that it is in."""
        self.content[at : at + len(value)] = value
        self.content[structure.start + checksum : structure.start + checksum + 4] = bytes(4)
        summed = crc32c(bytes(self.content[structure.start : structure.stop]))
        self.content[structure.start + checksum : structure.start + checksum + 4] = summed.to_bytes(4, "little")

    def put_superblock(self, at: int, value: bytes) -> None:
        self.put(at, value, range(512), SUPERBLOCK_CHECKSUM)

    def inode(self, path: str) -> range:
        """Return where an inode lies."""
        xfs = Xfs(self)
        number = xfs.lstat(path).number
        chunk = xfs._nodes._chunk(number >> CHUNK_LOG)
        start = chunk.offset + (number & (1 << CHUNK_LOG) - 1) * 512
        return range(start, start + 512)

    def put_inode(self, path: str, at: int, value: bytes) -> None:
        where = self.inode(path)
        self.put(where.start + at, value, where, INODE_CHECKSUM)

    def folder_block(self, path: str) -> range:
        """Return where the only block of a folder lies."""
        xfs = Xfs(self)
        (run,) = folders.data_runs(xfs._nodes.metadata, xfs._node(path))
        return range(run.start * 4096, run.start * 4096 + 4096)


PROTO = """/boot
0 0
d--755 0 0
etc d--750 1 2
 hostname ---644 3 4 {content}
 link l--777 0 0 hostname
 pipe p--644 0 0
 $
block d--755 0 0
{names}
 $
deep d--755 0 0
{deep}
 $
$
"""


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Return an image that mkfs.xfs(8) fills itself."""
    folder = tmp_path_factory.mktemp("xfs")
    image, proto, content = folder / "image", folder / "proto", folder / "content"
    content.write_bytes(b"name\n" * 3000)
    names = "\n".join(f" a_file_with_a_long_name_{number:03} ---600 0 0 /dev/null" for number in range(60))
    deep = "".join(f"{number} d--755 0 0\n" for number in range(DEEP)) + "$\n" * DEEP
    proto.write_text(PROTO.format(content=content, names=names, deep=deep))
    with image.open("wb") as file:
        file.truncate(32 << 20)
    subprocess.run(["mkfs.xfs", "-q", "-L", "a label", "-p", proto, image], check=True, env=os.environ | ANY_SIZE)
    return image.read_bytes()


@pytest.fixture
def image(made: bytes) -> Image:
    """Return a copy of the image."""
    return Image(bytearray(made))


def walked(xfs: Xfs) -> list[str]:
    return [path for path, _ in xfs.walk()]


def test_every_inode_that_is_in_use_is_in_a_table(image: Image) -> None:
    xfs = Xfs(image)
    nodes = xfs._nodes
    tables = list(nodes.tables())
    found = list(xfs.walk())
    assert {inode.number for _, inode in found} <= {number for table in tables for number in table.numbers}
    places = {place for table in tables for place in nodes.folder_places(table.numbers)}
    folders_found = [nodes.node(inode.number) for _, inode in found if stat.S_ISDIR(inode.mode)]
    runs = {(run.start, run.length) for folder in folders_found for run in nodes.folder_runs(folder)}
    assert runs
    assert runs <= places


@pytest.mark.parametrize("at", [0, 8, 20, 24, 30, 312])
def test_a_list_of_inodes_that_is_damaged_only_means_that_less_is_asked_for(image: Image, at: int) -> None:
    """The head of the group, at two sectors of it, is not what a walk goes by."""
    expected = walked(Xfs(image))
    image.content[2 * 512 + at] ^= 0x55
    xfs = Xfs(image)
    image.asked.clear()
    assert walked(xfs) == expected
    assert not xfs.damage
    assert {extent for asked in image.asked for extent in asked}, "what it comes to is asked for all the same"


def test_a_tree_of_inodes_that_leads_nowhere_is_left(image: Image) -> None:
    head = range(2 * 512, 3 * 512)
    expected = walked(Xfs(image))
    for root, levels in ((1 << 31, 1), (0, 9), (3, 2), (1, 1)):
        image.put(head.start + 20, root.to_bytes(4, "big") + levels.to_bytes(4, "big"), head, 312)
        xfs = Xfs(image)
        assert not any(xfs._nodes.root in table.numbers for table in xfs._nodes.tables())
        assert walked(xfs) == expected


def test_what_mkfs_put_there_is_read(image: Image) -> None:
    xfs = Xfs(image)
    assert (xfs.kind, xfs.label) == ("xfs", "a label")
    hostname = xfs.lstat("/etc/hostname")
    assert (hostname.mode, hostname.uid, hostname.gid, hostname.size) == (stat.S_IFREG | 0o644, 3, 4, 15000)
    assert xfs.read("/etc/hostname", 7) == b"name\nna"
    assert xfs.read("/etc/hostname", 1 << 20) == b"name\n" * 3000
    assert sorted(xfs.listdir("/etc")) == ["hostname", "link", "pipe"]
    assert xfs.readlink("/etc/link") == "hostname"
    assert len(walked(xfs)) == 3 + 3 + 60 + DEEP
    assert xfs.xattrs("/etc") == {}
    assert resolve(xfs, "/etc/../etc/link") == "/etc/hostname"


def test_a_path_leads_nowhere_in_ways_that_are_told_apart(image: Image) -> None:
    xfs = Xfs(image)
    with pytest.raises(FileNotFoundError):
        xfs.lstat("/etc/nothing")
    with pytest.raises(NotADirectoryError):
        xfs.lstat("/etc/hostname/more")
    with pytest.raises(NotADirectoryError):
        list(xfs.listdir("/etc/hostname"))
    with pytest.raises(OSError, match="no link"):
        xfs.readlink("/etc/hostname")
    for path in ("/etc", "/etc/link", "/etc/pipe"):
        with pytest.raises(OSError, match="no regular file"):
            xfs.read(path, 1)
        with pytest.raises(OSError, match="no regular file"):
            list(xfs.extents(path))
    with pytest.raises(IncompleteError, match="deep"):
        xfs.lstat("/x" * 300)


@pytest.mark.parametrize(
    "at, value, error, text",
    [
        (0, b"EXT4", UnsupportedError, "no XFS"),
        (VERSION, b"\xb4\xa4", UnsupportedError, "version 4"),
        (INCOMPATIBLE, b"\0\0\1\0", UnsupportedError, r"metadir .*bit 8"),
        (INCOMPATIBLE, b"\0\0\2\0", UnsupportedError, r"zoned .*bit 9"),
        (INCOMPATIBLE, b"\x80\0\0\0", UnsupportedError, r"unknown .*bit 31"),
        (INCOMPATIBLE, b"\0\0\0\x1b", IncompleteError, "needs xfs_repair"),
        (LOG_START, bytes(8), UnsupportedError, "log on another device"),
        (IN_PROGRESS, b"\1", IncompleteError, "geometry"),
        (GROUPS, b"\xff\xff\xff\xff", IncompleteError, "geometry"),
    ],
)
def test_a_file_system_that_is_not_read_is_refused_by_name(
    image: Image, at: int, value: bytes, error: type[OSError], text: str
) -> None:
    image.put_superblock(at, value)
    with pytest.raises(error, match=text):
        Xfs(image)


def test_a_superblock_whose_checksum_is_wrong_is_refused(image: Image) -> None:
    image.content[150] ^= 1
    with pytest.raises(IncompleteError, match="checksum"):
        Xfs(image)


def test_a_device_that_is_shorter_than_its_file_system_is_refused(image: Image) -> None:
    del image.content[-4096:]
    with pytest.raises(IncompleteError, match="its device"):
        Xfs(image)
    with pytest.raises(UnsupportedError, match="no XFS"):
        Xfs(Image(bytearray(100)))


@pytest.mark.trap(60)
def test_a_log_that_is_damaged_or_empty_is_refused(image: Image) -> None:
    start = image.content.index(bytes.fromhex("feedbabe"))
    for at, value in (
        (start + 304, b"another file system"),
        (start + 16, b"\0\0\0\1\0\0\0\7"),
        (start + 512 + 9, b"\0"),
    ):
        other = Image(bytearray(image.content))
        other.content[at : at + len(value)] = value
        with pytest.raises(IncompleteError, match="log"):
            Xfs(other)
    image.content[start : start + 1024] = bytes(1024)
    with pytest.raises(IncompleteError, match="log of the XFS file system is empty"):
        Xfs(image)


def test_a_file_on_a_real_time_device_is_told_of_and_not_read(image: Image) -> None:
    image.put_inode("/etc/hostname", 90, b"\0\1")
    xfs = Xfs(image)
    assert xfs.lstat("/etc/hostname").size == 15000
    with pytest.raises(UnsupportedError, match="real-time"):
        xfs.read("/etc/hostname", 10)
    with pytest.raises(UnsupportedError, match="real-time"):
        list(xfs.extents("/etc/hostname"))


@pytest.mark.parametrize(
    "at, value, text",
    [
        (0, b"XX", "elsewhere"),
        (4, b"\2", "elsewhere"),
        (152, bytes(8), "elsewhere"),
        (160, bytes(16), "elsewhere"),
        (2, bytes(2), "in use"),
        (120, b"\0\0\0\0\0\0\0\x28", "in use"),
        (56, b"\x80", "in use"),
    ],
)
def test_an_inode_that_cannot_be_one_is_damage(image: Image, at: int, value: bytes, text: str) -> None:
    image.put_inode("/etc/hostname", at, value)
    xfs = Xfs(image)
    with pytest.raises(IncompleteError, match=text):
        xfs.lstat("/etc/hostname")
    assert "/etc/hostname" not in walked(xfs)
    assert len(xfs.damage) == 1
    assert xfs.damage[0].startswith("/etc/hostname: inode")


def test_below_a_damaged_folder_nothing_is_known_to_be_absent(image: Image) -> None:
    image.content[image.inode("/etc").start + 200] ^= 1
    xfs = Xfs(image)
    for path in ("/etc", "/etc/hostname", "/etc/nothing"):
        with pytest.raises(IncompleteError, match="checksum"):
            xfs.lstat(path)
    with pytest.raises(IncompleteError, match="checksum"):
        list(xfs.listdir("/etc"))
    assert "/block" in walked(xfs)
    assert xfs.damage


def test_a_damaged_block_of_a_folder_is_damage_to_the_folder(image: Image) -> None:
    image.content[image.folder_block("/block").start + 300] ^= 1
    xfs = Xfs(image)
    with pytest.raises(IncompleteError, match="checksum"):
        xfs.lstat("/block/nothing")
    with pytest.raises(IncompleteError, match="checksum"):
        list(xfs.listdir("/block"))
    assert len(walked(xfs)) == 3 + 3 + DEEP
    assert [each.partition(":")[0] for each in xfs.damage] == ["/block"]


@pytest.mark.parametrize(
    "at, value",
    [
        (0, b"XXXX"),
        (8, bytes(8)),
        (24, bytes(16)),
        (40, bytes(8)),
        (64 + 8, b"\2"),
        (64 + 32 + 9, b"a/b"),
        (64 + 32 + 9, b"a\0b"),
        (64 + 32 + 8, b"\0"),
        (64 + 32, b"\xff\xff\0\0"),
        (4096 - 8, b"\0\0\1"),
        (4096 - 4, b"\0\0\0\7"),
    ],
)
def test_a_block_of_a_folder_that_cannot_be_one_is_damage(image: Image, at: int, value: bytes) -> None:
    block = image.folder_block("/block")
    image.put(block.start + at, value, block, FOLDER_CHECKSUM)
    with pytest.raises(IncompleteError, match="folder"):
        list(Xfs(image).listdir("/block"))


@pytest.mark.parametrize(
    "at, value",
    [
        (56, (8192).to_bytes(8, "big")),
        (56, (1 << 40).to_bytes(8, "big")),
        (56, bytes(8)),
        (76, b"\0\0\0\2"),
        (5, b"\7"),
    ],
)
def test_a_folder_that_says_other_than_it_has_is_damage(image: Image, at: int, value: bytes) -> None:
    image.put_inode("/block", at, value)
    xfs = Xfs(image)
    with pytest.raises((IncompleteError, UnsupportedError)):
        list(xfs.listdir("/block"))
    assert len(walked(xfs)) == 3 + 3 + DEEP
    assert len(xfs.damage) == 1


@pytest.mark.parametrize("at, value", [(56, b"\0\0\0\0\0\0\0\x80"), (176, b"\x09"), (182, b"\xff"), (56, bytes(8))])
def test_a_folder_in_its_inode_that_does_not_fit_is_damage(image: Image, at: int, value: bytes) -> None:
    image.put_inode("/etc", at, value)
    with pytest.raises(IncompleteError, match="folder"):
        list(Xfs(image).listdir("/etc"))


@pytest.mark.parametrize("size", [0, 5000, 500])
def test_a_link_that_cannot_be_one_is_damage(image: Image, size: int) -> None:
    image.put_inode("/etc/link", 56, size.to_bytes(8, "big"))
    with pytest.raises(IncompleteError, match="link"):
        Xfs(image).readlink("/etc/link")


@pytest.mark.parametrize(
    "logical, start, length, text",
    [
        (0, 1 << 40 | 100, 1, "no allocation group"),
        (0, 100, 1 << 20, "where nothing"),
        (0, 0, 1, "where nothing"),
        (0, 100, 0, "order"),
    ],
)
def test_an_extent_that_cannot_be_is_damage(image: Image, logical: int, start: int, length: int, text: str) -> None:
    record = logical << 73 | start << 21 | length
    image.put_inode("/etc/hostname", 176, record.to_bytes(16, "big"))
    with pytest.raises(IncompleteError, match=text):
        Xfs(image).read("/etc/hostname", 10_000)


def test_a_folder_in_two_places_is_walked_once(image: Image) -> None:
    number = Xfs(image).lstat("/deep").number
    image.put_inode("/deep", 176 + 2 + 4 + 3 + 1 + 1, number.to_bytes(4, "big"))
    xfs = Xfs(image)
    assert "/deep/0" in walked(xfs)
    assert xfs.damage == [f"/deep/0: the folder (inode {number}) is in another place too"]
    assert xfs.lstat("/deep/0/0/0").number == number


def test_a_walk_has_limits_and_says_so(image: Image, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk, "MOST_DEPTH", 3)
    xfs = Xfs(image)
    assert max(path.count("/") for path in walked(xfs)) == 3
    assert xfs.damage == ["/deep/0/1: it lies more than 3 folders deep"]
    monkeypatch.setattr(walk, "MOST_ENTRIES", 10)
    xfs = Xfs(image)
    assert len(walked(xfs)) < 10
    assert "more than 10 entries" in xfs.damage[0]


def test_each_sentence_of_damage_is_kept_once_and_no_more_than_are_shown(
    image: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in [path for path in walked(Xfs(image)) if path.startswith("/block/")]:
        image.content[image.inode(path).start + 10] ^= 1
    xfs = Xfs(image)
    walked(xfs)
    walked(xfs)
    assert len(xfs.damage) == 60
    monkeypatch.setattr(reader, "_MOST_DAMAGE", 40)
    xfs = Xfs(image)
    walked(xfs)
    assert len(xfs.damage) == 40


def test_a_folder_too_large_to_be_kept_is_looked_through_each_time(
    image: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "_MOST_KEPT_BYTES", 100)
    xfs = Xfs(image)
    assert xfs.lstat("/block/a_file_with_a_long_name_059").size == 0
    with pytest.raises(FileNotFoundError):
        xfs.lstat("/block/nothing")
    assert len(xfs._folders) == 1


def test_a_walk_asks_ahead_level_by_level(image: Image) -> None:
    xfs = Xfs(image)
    image.asked.clear()
    walked(xfs)
    asked = [extents for extents in image.asked if extents]
    # Inodes of the root's entries; then of each level: its folders' inodes, blocks, and inodes of what is in them.
    assert len(asked) <= 1 + 3 * (DEEP + 2)
    assert Extent(image.folder_block("/block").start, 4096) in [extent for extents in asked for extent in extents]


def test_free_space_is_refused_where_its_list_is_damaged(image: Image) -> None:
    assert Xfs(image).is_free(15 << 20)
    for sector in (1, 3):
        other = Image(bytearray(image.content))
        other.content[sector * 512 + 50] ^= 1
        with pytest.raises(IncompleteError, match="free space"):
            Xfs(other).is_free(4 << 20)
    image.content[image.content.index(b"AB3B") + 60] ^= 1
    with pytest.raises(IncompleteError, match="free space"):
        Xfs(image).is_free(4 << 20)


@pytest.mark.parametrize("block", [0xFFFFFFF0, 15 << 20 >> 12])
def test_spare_blocks_lie_in_their_group_and_are_not_listed_twice(image: Image, block: int) -> None:
    assert Xfs(image).is_free(15 << 20)
    list(Xfs(image).free_extents())
    spare = range(3 * 512, 4 * 512)
    image.put(spare.start + 36, block.to_bytes(4, "big") * ((512 - 36) // 4), spare, 32)
    with pytest.raises(IncompleteError, match="a spare block lies outside, or is listed twice"):
        list(Xfs(image).free_extents())


def test_an_acl_that_does_not_fit_is_damage() -> None:
    assert as_shown("user.SGI_ACL_FILE", b"") == {}
    with pytest.raises(IncompleteError, match="ACL"):
        as_shown("trusted.SGI_ACL_FILE", b"\0\0\0\2" + bytes(12))
