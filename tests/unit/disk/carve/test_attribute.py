"""To what the place of a hit belongs, and when that cannot be told."""

from __future__ import annotations

import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from amigate.disk.blocks import Extent, IncompleteError
from amigate.disk.carve.attribute import Place, attribute
from amigate.disk.carve.scan import Hit
from amigate.disk.carve.secret import Kind
from amigate.disk.volumes.volume import State, Volume
from amigate.evidence.file_system import Inode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

VOLUME = Volume(name="v", kind="xfs", state=State.READ)
FREE = 9000


@dataclass
class Reader:
    """Files by path, with where they lie."""

    files: dict[str, list[Extent]]
    damage: Sequence[str] = ()
    kind: str = "xfs"
    uuid: str = ""
    label: str = ""
    block_bytes: int = 4096
    asked: list[str] = field(default_factory=list)

    def walk(self) -> Iterator[tuple[str, Inode]]:
        yield "/folder", Inode(mode=stat.S_IFDIR, uid=0, gid=0, size=9, mtime_ns=0)
        yield "/empty", Inode(mode=stat.S_IFREG, uid=0, gid=0, size=0, mtime_ns=0)
        for path in self.files:
            yield path, Inode(mode=stat.S_IFREG, uid=0, gid=0, size=9, mtime_ns=0)

    def extents(self, path: str) -> Iterator[Extent]:
        self.asked.append(path)
        if not self.files[path]:
            raise IncompleteError(path)
        yield from self.files[path]

    def is_free(self, offset: int) -> bool:
        if offset < 0:
            raise IncompleteError("the map is damaged")
        return offset >= FREE

    def free_extents(self) -> Iterator[Extent]:
        raise NotImplementedError  # nobody asks it whose bytes are whose

    def lstat(self, path: str) -> Inode:
        raise NotImplementedError  # nobody asks it whose bytes are whose

    def readlink(self, path: str) -> str:
        raise NotImplementedError  # nobody asks it whose bytes are whose

    def listdir(self, path: str) -> Iterator[str]:
        raise NotImplementedError  # nobody asks it whose bytes are whose

    def read(self, path: str, cap_bytes: int) -> bytes:
        raise NotImplementedError  # nobody asks it whose bytes are whose

    def prefetch(self, paths: Iterable[str], cap_bytes: int) -> int:
        raise NotImplementedError  # nobody asks it whose bytes are whose

    def xattrs(self, path: str) -> Mapping[str, bytes]:
        raise NotImplementedError  # nobody asks it whose bytes are whose


def places(reader: Reader, *offsets: int) -> list[tuple[Place, str]]:
    return [(each.place, each.path) for each in attribute([hit(at) for at in offsets], VOLUME, reader)]


def hit(offset: int) -> Hit:
    return Hit(
        kind=Kind.PRIVATE_KEY,
        what="x",
        volume="v",
        offset=offset,
        length=9,
        fingerprint="",
        is_encrypted=False,
        is_whole=True,
    )


def test_each_hit_goes_to_what_holds_its_place() -> None:
    reader = Reader({"/a": [Extent(0, 100), Extent(400, 100)], "/b": [Extent(200, 50)], "/c": [Extent(600, 1)]})
    assert places(reader, 450, FREE, 0, 249, 250, 99, 100) == [
        (Place.FILE, "/a"),
        (Place.FREE, ""),
        (Place.FILE, "/a"),
        (Place.FILE, "/b"),
        (Place.IN_USE, ""),
        (Place.FILE, "/a"),
        (Place.IN_USE, ""),
    ]


def test_no_more_files_are_asked_than_are_needed() -> None:
    reader = Reader({"/a": [Extent(0, 100)], "/b": [Extent(200, 50)]})
    assert places(reader, 50, FREE) == [(Place.FILE, "/a"), (Place.FREE, "")]
    assert reader.asked == ["/a"]
    assert places(Reader({}), FREE + 1) == [(Place.FREE, "")]


def test_a_block_that_files_share_goes_to_one_of_them() -> None:
    assert places(Reader({"/a": [Extent(0, 9)], "/b": [Extent(0, 9)], "/c": [Extent(20, 9)]}), 1, 21) == [
        (Place.FILE, "/a"),
        (Place.FILE, "/c"),
    ]


@pytest.mark.parametrize("reader", [Reader({"/a": []}), Reader({}, damage=["/x: damaged"])])
def test_what_might_be_in_a_file_that_cannot_be_read_is_unknown(reader: Reader) -> None:
    assert places(reader, 5) == [(Place.UNKNOWN, "")]


def test_a_damaged_map_tells_nothing_but_files_do() -> None:
    assert places(Reader({"/a": [Extent(-9, 5)]}), -6, -2) == [(Place.FILE, "/a"), (Place.UNKNOWN, "")]


@pytest.mark.parametrize(
    "kind, place",
    [
        ("swap", Place.SWAP),
        ("leftover", Place.OUTSIDE),
        ("boot-area", Place.OUTSIDE),
        ("btrfs", Place.UNKNOWN),
        ("xfs", Place.UNKNOWN),
    ],
)
def test_a_volume_without_a_reader_says_what_it_is(kind: str, place: Place) -> None:
    volume = Volume(name="v", kind=kind, state=State.EXEMPT)
    assert [each.place for each in attribute([hit(1)], volume, None)] == [place]
