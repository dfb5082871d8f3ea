"""What a walk reads is asked for before it comes to it, and what a hostile image says of that has its bounds."""

from __future__ import annotations

import random
import shutil
import subprocess
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING

import pytest

from amigate.disk.blocks import Extent, IncompleteError
from amigate.disk.inode_tree import ahead as module
from amigate.disk.inode_tree.ahead import Ahead, InodeTable, limited
from amigate.disk.readers import READERS, ask_first, open_reader

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .conftest import Memory

UNIT = 1 << 19


@dataclass
class Far:
    """A device whose units take a while to come; how many times a reader had to wait is counted."""

    content: bytes
    waits: int = 0
    here: set[int] = field(default_factory=set)
    coming: set[int] = field(default_factory=set)
    changed: dict[int, int] = field(default_factory=dict)
    """Bytes that are others, by their places."""

    @property
    def size(self) -> int:
        return len(self.content)

    def read(self, offset: int, length: int) -> bytes:
        assert 0 <= offset <= self.size - length
        units = set(range(offset // UNIT, (offset + length - 1) // UNIT + 1))
        if not units <= self.here:
            self.waits += 1
            self.here |= units | self.coming
            self.coming.clear()
        found = bytearray(self.content[offset : offset + length])
        for at, byte in self.changed.items():
            if offset <= at < offset + length:
                found[at - offset] = byte
        return bytes(found)

    def prefetch(self, extents: Iterable[Extent]) -> None:
        for each in extents:
            self.coming |= set(range(max(each.offset, 0) // UNIT, (min(each.end, self.size) - 1) // UNIT + 1))

    def written(self) -> Iterator[Extent]:
        yield Extent(0, self.size)


DEEP = 20
FILLER = 700_000


@pytest.fixture(scope="session", params=["ext2", "ext4"])
def image(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, bytes]:
    """Return kind and content of a file system of folders within folders, with much between them."""
    if not shutil.which("mke2fs"):
        pytest.skip("e2fsprogs is not installed")
    folder = tmp_path_factory.mktemp("ahead")
    at = folder / "tree"
    for _ in range(DEEP):
        at /= "folder"
        at.mkdir(parents=True)
        (at / "file").write_bytes(b"x" * FILLER)
    path = folder / "image"
    with path.open("wb") as file:
        file.truncate(64 << 20)
    subprocess.run(["mke2fs", "-q", "-F", "-t", request.param, "-d", folder / "tree", path], check=True)
    return request.param, path.read_bytes()


def test_folders_within_folders_are_not_waited_for_one_after_the_other(image: tuple[str, bytes]) -> None:
    kind, content = image
    far = Far(content)
    ask_first(kind, far)
    opened = open_reader(kind, far)
    assert far.waits <= 2, "the superblock, and what it leads to"
    before = far.waits
    assert sum(1 for _ in opened.walk()) == 2 * DEEP + 1
    assert far.waits - before <= 2, "and the blocks of all folders"
    assert not opened.damage


def test_every_inode_that_is_in_use_is_in_a_table(image: tuple[str, bytes]) -> None:
    kind, content = image
    opened = open_reader(kind, Far(content))
    numbers = {inode.number for _, inode in opened.walk()}
    nodes = opened._nodes  # type: ignore[attr-defined] # of the reader's own
    tables = list(nodes.tables())
    assert numbers <= {number for table in tables for number in table.numbers}
    places = {place for table in tables for place in nodes.folder_places(table.numbers)}
    folders = [nodes.node(inode.number) for path, inode in opened.walk() if path.endswith("folder")]
    assert {run.start for folder in folders for run in nodes.folder_runs(folder)} <= {first for first, _ in places}


@pytest.mark.parametrize("kind", READERS)
def test_to_ask_first_of_anything_raises_nothing(memory: type[Memory], kind: str) -> None:
    seed = random.Random(3)  # noqa: S311 - the same each time
    for content in (b"", bytes(4096), seed.randbytes(1 << 16)):
        ask_first(kind, memory(content))


def test_to_ask_first_of_a_damaged_file_system_raises_nothing_and_asks_within_bounds(image: tuple[str, bytes]) -> None:
    kind, content = image
    seed = random.Random(4)  # noqa: S311 - the same each time
    for _ in range(50):
        far = Far(content)
        for _ in range(seed.randrange(1, 40)):
            far.changed[seed.randrange(1024, 16384)] = seed.randrange(256)
        ask_first(kind, far)
        assert len(far.coming) <= far.size // UNIT


@dataclass
class Nodes:
    """What `Ahead` asks of nodes: one table, and places as they are given."""

    places: Iterator[tuple[int, int]]
    asked: list[Extent] = field(default_factory=list)
    block_log: int = 12
    extents: int = 1

    size: int = 1 << 60

    @property
    def blocks(self) -> Nodes:
        return self

    def prefetch(self, extents: Iterable[Extent]) -> None:
        self.asked += extents

    def tables(self) -> Iterator[InodeTable]:
        for number in range(self.extents):
            yield InodeTable(range(number, number + 1), Extent(number * UNIT, UNIT))

    def folder_places(self, numbers: range) -> Iterator[tuple[int, int]]:
        yield from self.places

    def units(self) -> list[int]:
        found = [extent.offset // UNIT for extent in self.asked]
        self.asked.clear()
        return found


def made(nodes: Nodes) -> Ahead:  # type: ignore[type-arg]
    return Ahead(nodes)  # type: ignore[arg-type]


def test_no_more_is_asked_for_than_is_kept_and_more_in_place_of_what_was_read() -> None:
    nodes = Nodes((at << 7, 1) for at in count())
    asks = made(nodes)
    assert nodes.units() == [0], "the table"
    asks.go_on()
    assert nodes.units() == list(range(module.MOST_UNITS))
    asks.go_on()
    assert nodes.units() == []
    asks.go_on([3, 4, 99_999])
    assert nodes.units() == [module.MOST_UNITS, module.MOST_UNITS + 1]


def test_nothing_behind_the_end_of_the_device_is_asked_for() -> None:
    nodes = Nodes(iter([(2 << 7, 1 << 30), (1 << 40, 1), (1, 1)]), size=5 * UNIT - 1)
    asks = made(nodes)
    nodes.asked.clear()
    asks.go_on()
    assert nodes.units() == [2, 3, 4, 0]


def test_there_is_an_end_to_what_is_asked_for_in_all() -> None:
    nodes = Nodes((at << 7, 1) for at in count())
    asks = made(nodes)
    total = 0
    for _ in range(100):
        asks.go_on(nodes.units())
        total += len(nodes.asked)
    assert total == module._MOST_ASKED


@pytest.mark.parametrize("place", [(0, 1 << 40), (1 << 60, 1 << 31), (7, 0)])
def test_a_folder_that_is_said_to_be_everywhere_is_not_asked_for_everywhere(place: tuple[int, int]) -> None:
    nodes = Nodes(iter([place]))
    asks = made(nodes)
    nodes.asked.clear()
    asks.go_on()
    assert len(nodes.units()) <= module.MOST_UNITS + 1


def test_a_table_that_cannot_be_read_ends_asking_and_nothing_else() -> None:
    def places() -> Iterator[tuple[int, int]]:
        yield 128, 1
        raise IncompleteError("damaged")

    nodes = Nodes(places())
    asks = made(nodes)
    nodes.asked.clear()
    asks.go_on()
    asks.go_on([1])
    assert nodes.units() == [1]


def test_of_many_tables_the_first_are_asked_for() -> None:
    nodes = Nodes(iter([]), extents=1000)
    made(nodes)
    assert len(nodes.units()) == module.MOST_UNITS
    huge = InodeTable(range(1), Extent(0, 1 << 60))
    assert list(limited([InodeTable(range(1), Extent(0, 5)), huge], 4)) == [InodeTable(range(1), Extent(0, 5))]


def test_a_walk_finds_what_it_finds_whatever_was_asked_for(image: tuple[str, bytes]) -> None:
    kind, content = image
    opened = open_reader(kind, Far(content))
    expected = list(opened.walk())
    nodes = opened._nodes  # type: ignore[attr-defined] # of the reader's own
    nodes.tables = lambda: iter(
        [InodeTable(range(1, 65), Extent(1 << 62, 9)), InodeTable(range(1 << 40, 1 << 41), Extent(0, 9))]
    )
    assert list(opened.walk()) == expected
    assert not opened.damage
