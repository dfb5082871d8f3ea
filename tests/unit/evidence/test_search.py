"""A search over file systems that walk, break and run out: what was not looked at is a gap, what was found stays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from amigate.check import InconclusiveError
from amigate.detect.hits import Sort
from amigate.evidence import pieces
from amigate.evidence.search import MOST_GAPS, search
from amigate.sources.directory import Directory

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from amigate.evidence.file_system import Inode

SWAP = b"b0VIM"


class Plain:
    """A file system that has no more than it must."""

    def __init__(self, files: Directory) -> None:
        self._files = files
        self.broken: set[str] = set()

    def lstat(self, path: str) -> Inode:
        return self._files.lstat(path)

    def readlink(self, path: str) -> str:
        return self._files.readlink(path)

    def listdir(self, path: str) -> Iterator[str]:
        if path in self.broken:
            raise OSError(path)
        return self._files.listdir(path)

    def read(self, path: str, cap_bytes: int) -> bytes:
        if path in self.broken:
            raise OSError(path)
        return self._files.read(path, cap_bytes)


class Walked(Plain):
    """One that walks by itself, and notes what it could not read."""

    damage: tuple[str, ...] = ()

    def walk(self) -> Iterator[tuple[str, Inode]]:
        for name in sorted(self.listdir("/")):
            yield f"/{name}", self.lstat(f"/{name}")
        if "/" in self.broken:
            raise OSError("/")


@pytest.fixture
def files(tmp_path: Path) -> Iterator[Directory]:
    (tmp_path / "a.p12").write_bytes(SWAP)
    (tmp_path / "b").mkdir()
    (tmp_path / "b/c.p12").write_bytes(SWAP)
    (tmp_path / "d.p12").write_bytes(SWAP + b"x" * 200)
    with Directory(tmp_path) as opened:
        yield opened


def test_a_plain_file_system_is_searched_whole(files: Directory) -> None:
    found = search(Plain(files))
    assert [(each.path, each.sort) for each in found.found] == [
        (path, Sort.LEFTOVER) for path in ("/a.p12", "/b/c.p12", "/d.p12")
    ]
    assert (found.entries, found.size_bytes, found.gaps) == (4, 215, ())
    found.require_whole()


def test_what_cannot_be_read_is_a_gap_and_the_rest_is_found(files: Directory) -> None:
    plain = Plain(files)
    plain.broken = {"/b", "/a.p12"}
    found = search(plain)
    assert [each.path for each in found.found] == ["/d.p12"]
    assert {gap.partition(":")[0] for gap in found.gaps} == {"/b", "/a.p12"}
    with pytest.raises(InconclusiveError):
        found.require_whole()


def test_a_file_that_comes_in_one_piece_has_a_largest_size(files: Directory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "AT_ONCE_BYTES", 100)
    found = search(Plain(files))
    assert [each.path for each in found.found] == ["/a.p12", "/b/c.p12"]
    assert found.gaps == ("/d.p12: it is larger than is searched",)


def test_a_walk_of_its_own_is_taken_and_its_damage_counts(files: Directory) -> None:
    walked = Walked(files)
    assert [each.path for each in search(walked).found] == ["/a.p12", "/d.p12"]
    walked.damage = ("inode 12: its checksum is wrong",)
    assert search(walked).gaps == walked.damage


def test_a_walk_that_breaks_off_is_a_gap(files: Directory) -> None:
    walked = Walked(files)
    walked.broken = {"/"}
    assert search(walked).gaps == ("the file system cannot be walked to the end",)


def test_gaps_are_told_by_the_first(files: Directory) -> None:
    walked = Walked(files)
    walked.damage = tuple(f"inode {number}" for number in range(1000))
    assert len(search(walked).gaps) == MOST_GAPS


def test_a_folder_alone_is_searched(files: Directory) -> None:
    assert [each.path for each in search(files, "/b").found] == ["/b/c.p12"]
