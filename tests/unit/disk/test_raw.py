"""Raw images: what is in them, and where they have holes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from amigate.disk.blocks import Extent, IncompleteError
from amigate.disk.raw import Raw

if TYPE_CHECKING:
    from pathlib import Path

MEBIBYTE = 1 << 20


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "disk.raw"
    with path.open("wb") as file:
        file.truncate(10 * MEBIBYTE)
        for at in (2, 7):
            file.seek(at * MEBIBYTE)
            file.write(b"x" * MEBIBYTE)
    return path


def test_what_is_read_is_the_file(image: Path) -> None:
    with Raw(image) as disk:
        disk.prefetch([Extent(0, 100), Extent(1 << 60, 5)])
        assert disk.size == 10 * MEBIBYTE
        assert disk.read(2 * MEBIBYTE - 2, 4) == b"\0\0xx"
        assert disk.read(disk.size, 0) == b""


@pytest.mark.parametrize("offset,length", [(-1, 5), (0, -1), (10 * MEBIBYTE, 1), (10 * MEBIBYTE - 1, 2)])
def test_nothing_is_read_beyond_its_ends(image: Path, offset: int, length: int) -> None:
    with Raw(image) as disk, pytest.raises(IncompleteError, match=r"disk\.raw has no"):
        disk.read(offset, length)


def test_holes_are_not_written(image: Path) -> None:
    with Raw(image) as disk:
        assert list(disk.written()) == [Extent(2 * MEBIBYTE, MEBIBYTE), Extent(7 * MEBIBYTE, MEBIBYTE)]


def test_all_is_written_where_holes_cannot_be_told(image: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def lseek(file: int, offset: int, whence: int) -> int:
        if whence in {os.SEEK_DATA, os.SEEK_HOLE}:
            raise OSError(22, "Invalid argument")
        return seek(file, offset, whence)

    seek = os.lseek
    monkeypatch.setattr(os, "lseek", lseek)
    with Raw(image) as disk:
        assert list(disk.written()) == [Extent(0, 10 * MEBIBYTE)]


def test_an_empty_file_is_an_empty_disk(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    with Raw(tmp_path / "empty") as disk:
        assert (disk.size, list(disk.written()), disk.read(0, 0)) == (0, [], b"")


def test_a_file_that_becomes_shorter_is_incomplete(image: Path) -> None:
    with Raw(image) as disk:
        os.truncate(image, MEBIBYTE)
        with pytest.raises(IncompleteError, match=f"ends at {MEBIBYTE}"):
            disk.read(MEBIBYTE - 10, 20)


def test_a_file_that_cannot_be_read_is_incomplete(image: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> bytes:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "pread", broken)
    with Raw(image) as disk, pytest.raises(IncompleteError, match="Input/output error"):
        disk.read(0, 1)
