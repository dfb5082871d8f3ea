"""What FAT file systems say of themselves: what cannot be is refused, what is not read is named."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from amigate.disk.blocks import IncompleteError, UnsupportedError
from amigate.disk.fat import Fat

if TYPE_CHECKING:
    from collections.abc import Callable

    from .conftest import Image

    Made = Callable[..., Image]

SECTOR, CLUSTER, RESERVED, TABLES, ROOT, SECTORS_16, MEDIA, LENGTH_16 = 11, 13, 14, 16, 17, 19, 21, 22
SECTORS_32, LENGTH_32, MIRRORING, VERSION, ROOT_CLUSTER = 32, 36, 40, 42, 44


@pytest.mark.parametrize("bits", [12, 16, 32])
def test_an_empty_one_is_open_and_has_nothing_in_it(made: Made, bits: int) -> None:
    fat = made(bits).open()
    assert (fat._geometry.bits, list(fat.walk()), fat.damage) == (bits, [], [])


def test_other_bytes_are_no_fat(made: Made) -> None:
    image = made(12)
    image.put(510, b"\0\0")
    with pytest.raises(UnsupportedError, match="no FAT"):
        Fat(image)


@pytest.mark.parametrize(
    "bits, at, value, length",
    [
        *((16, SECTOR, value, 2) for value in (0, 256, 513, 8192)),
        *((16, CLUSTER, value, 1) for value in (0, 3)),
        (16, RESERVED, 0, 2),
        (16, TABLES, 0, 1),
        (16, ROOT, 0, 2),
        (16, ROOT, 17, 2),
        (16, SECTORS_16, 0, 2),
        (16, SECTORS_16, 40, 2),
        (16, SECTORS_16, 9000, 2),
        (16, SECTORS_32, 9000, 4),
        (16, MEDIA, 0x77, 1),
        (16, LENGTH_16, 1, 2),
        (32, ROOT, 16, 2),
        (32, LENGTH_32, 0, 4),
        (32, LENGTH_32, 1, 4),
        (32, LENGTH_32, 0xFFFFFFFF, 4),
        (32, ROOT_CLUSTER, 0, 4),
        (32, ROOT_CLUSTER, 0x0FFFFFF0, 4),
    ],
)
def test_sizes_that_cannot_be_are_damage(made: Made, bits: int, at: int, value: int, length: int) -> None:
    image = made(bits)
    image.put_number(at, value, length)
    with pytest.raises(IncompleteError, match=r"damaged|larger than its volume"):
        Fat(image)


@pytest.mark.parametrize(
    "at, value, says",
    [(TABLES, 5, "with 5 tables"), (VERSION, 0x0102, "version 1.2"), (MIRRORING, 0x81, "first table does not count")],
)
def test_what_is_not_read_is_named(made: Made, at: int, value: int, says: str) -> None:
    image = made(32)
    image.put_number(at, value, 1 if at == TABLES else 2)
    with pytest.raises(UnsupportedError, match=says):
        Fat(image)


def test_more_clusters_than_are_read_are_named(made: Made) -> None:
    image = made(32)
    image.put_number(LENGTH_32, 1 << 18, 4)
    image.put_number(SECTORS_16, 0, 2)
    image.put_number(SECTORS_32, 18 << 20, 4)

    class Large(type(image)):  # type: ignore[misc]
        size = 9 << 30

    with pytest.raises(UnsupportedError, match="clusters is not read"):
        Fat(Large(image.content))


def test_a_copy_that_is_none_says_nothing(made: Made) -> None:
    image = made(32)
    image.link(100, tables=[1])
    assert image.open().damage == ["the tables of clusters of the vfat file system say different things"]
    image.put_number(MIRRORING, 0x80, 2)
    assert image.open().damage == []


def test_one_of_four_tables_that_says_something_else_is_damage(made: Made) -> None:
    image = made(32, "-f", "4")
    assert image.open().damage == []
    image.link(100, tables=[3])
    assert image.open().damage == ["the tables of clusters of the vfat file system say different things"]


def test_what_does_not_count_in_a_table_may_differ(made: Made) -> None:
    """The first two entries hold flags, and the upper four bits of one of FAT32 are kept as they are."""
    image = made(32)
    geometry = image.open()._geometry
    copy = (geometry.table + geometry.table_length) * 512
    image.put_number(copy, 0, 8)
    image.put_number(copy + 4 * 50 + 3, 0xF0, 1)
    assert image.open().damage == []


def test_a_serial_number_is_one_only_where_it_is_said_to_be(made: Made) -> None:
    image = made(12, "-i", "0abcdef1")
    assert image.open().uuid == "0ABC-DEF1"
    image.put(38, b"\0")
    assert image.open().uuid == ""
