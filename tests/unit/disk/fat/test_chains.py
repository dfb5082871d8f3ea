"""Chains of clusters that are not what they should be: what needs them cannot be read, and the rest can."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from amigate.disk.blocks import IncompleteError

from .conftest import MASK, dots, entry, folder

if TYPE_CHECKING:
    from collections.abc import Callable

    from .conftest import Image

    Made = Callable[..., Image]

BITS = pytest.mark.parametrize("bits", [12, 16, 32])


def root(bits: int) -> int:
    return 2 if bits == 32 else 0


def filled(made: Made, bits: int) -> Image:
    """Return an image with a file of three clusters, and one of two."""
    image = made(bits)
    image.folder(root(bits), [entry(b"ONE     TXT", 10, 1100), entry(b"TWO        ", 20, 1024), entry(b"EMPTY      ")])
    image.link(10, 12, 11)
    image.link(20, 21)
    for number, cluster in enumerate((10, 12, 11, 20, 21)):
        image.put(image.at(cluster), bytes([65 + number]) * 512)
    return image


@BITS
def test_files_are_read_along_their_chains(made: Made, bits: int) -> None:
    fat = filled(made, bits).open()
    assert fat.damage == []
    assert fat.read("/ONE.TXT", 9999) == b"A" * 512 + b"B" * 512 + b"C" * 76
    assert fat.read("/TWO", 9999) == b"D" * 512 + b"E" * 512
    assert fat.read("/EMPTY", 9999) == b""
    assert [each.length for each in fat.extents("/ONE.TXT")] == [512, 512, 76]
    assert fat.xattrs("/TWO") == {}
    with pytest.raises(OSError, match="no link"):
        fat.readlink("/TWO")


@BITS
@pytest.mark.parametrize(
    "end, says",
    [
        ("end", "ends before its 1100 bytes"),
        ("bad", "which is none"),
        ("reserved", "which is none"),
        (0, "which is none"),
        (1, "which is none"),
        ("behind", "which is none"),
        (10, "crosses another, or itself"),
        (12, "crosses another, or itself"),
        (21, "crosses another, or itself"),
    ],
)
def test_a_chain_that_is_wrong_costs_the_files_that_need_it(made: Made, bits: int, end: int | str, says: str) -> None:
    image = filled(made, bits)
    numbers = {
        "end": MASK[bits],
        "bad": MASK[bits] - 8,
        "reserved": MASK[bits] - 15,
        "behind": image.open()._geometry.end,
    }
    image.link(10, 12, end=numbers[end] if isinstance(end, str) else end)
    fat = image.open()
    (damage,) = fat.damage
    assert damage.startswith("/TWO: " if end == 21 else "/ONE.TXT: ")
    assert says in damage
    with pytest.raises(IncompleteError, match=says):
        fat.read("/ONE.TXT", 1)
    with pytest.raises(IncompleteError, match=says):
        list(fat.extents("/ONE.TXT"))
    if end == 21:
        with pytest.raises(IncompleteError, match=says):
            fat.read("/TWO", 1)
    else:
        assert len(fat.read("/TWO", 9999)) == 1024
    assert [path for path, _ in fat.walk()] == ["/ONE.TXT", "/TWO", "/EMPTY"]
    assert len(fat.damage) == 1
    with pytest.raises(IncompleteError, match="cannot be told"):
        list(fat.free_extents())


@BITS
def test_a_chain_that_goes_on_behind_its_file_is_damage_and_the_file_is_read(made: Made, bits: int) -> None:
    image = filled(made, bits)
    image.link(20, 21, 22)
    fat = image.open()
    assert [sentence[:6] for sentence in fat.damage] == ["/TWO: "]
    assert "goes on behind its 1024 bytes" in fat.damage[0]
    assert fat.read("/TWO", 9999) == b"D" * 512 + b"E" * 512


def test_a_file_with_bytes_and_without_clusters_is_damaged(made: Made) -> None:
    image = made(12)
    image.folder(0, [entry(b"ZERO       ", 0, 5)])
    fat = image.open()
    with pytest.raises(IncompleteError, match="leads to 0x0"):
        fat.read("/ZERO", 9)
    assert len(fat.damage) == 1


def test_two_files_of_one_chain_can_neither_be_read(made: Made) -> None:
    image = made(12)
    image.folder(0, [entry(b"ONE        ", 10, 5), entry(b"TWO        ", 10, 5), entry(b"EMPTY      ", 10)])
    image.link(10)
    fat = image.open()
    assert len(fat.damage) == 1
    for path in ("/ONE", "/TWO"):
        with pytest.raises(IncompleteError, match="crosses another"):
            fat.read(path, 9)
    assert fat.read("/EMPTY", 9) == b""


@BITS
def test_a_folder_within_itself_ends(made: Made, bits: int) -> None:
    image = made(bits)
    above = root(bits)
    image.folder(above, [folder(b"A          ", 10), entry(b"FILE       ", 30, 1)])
    image.folder(10, [*dots(10, above), folder(b"B          ", 10), folder(b"C          ", 11)])
    image.folder(11, [*dots(11, 10), folder(b"D          ", 10), *([folder(b"ROOT       ", 2)] if above else [])])
    for each in (10, 11, 30):
        image.link(each)
    if not above:
        fat = image.open()
        assert fat.read("/FILE", 1) == b"\0"
        assert any("/A/B: " in sentence and "crosses another" in sentence for sentence in fat.damage)
        assert len(list(fat.walk())) <= 2
        with pytest.raises(IncompleteError, match="crosses another"):
            list(fat.listdir("/A"))
    else:  # the root itself is meant twice
        fat = image.open()
        with pytest.raises(IncompleteError, match="crosses another"):
            list(fat.listdir("/"))


@pytest.mark.parametrize(
    "begin",
    [
        [],
        dots(10)[:1],
        dots(10)[::-1],
        dots(11),
        [entry(b".          ", 10), folder(b"..         ", 0)],
    ],
)
def test_a_folder_that_does_not_begin_with_itself_is_damaged(made: Made, begin: list[bytes]) -> None:
    image = made(12)
    image.folder(0, [folder(b"A          ", 10)])
    image.folder(10, [*begin, entry(b"HIDDEN     ")])
    image.link(10)
    fat = image.open()
    assert len(fat.damage) == 1
    assert "does not begin with itself" in fat.damage[0]
    with pytest.raises(IncompleteError, match="does not begin with itself"):
        fat.lstat("/A/HIDDEN")


@pytest.mark.parametrize("first", [0, 1, 100_000])
def test_a_folder_that_lies_nowhere_is_damaged(made: Made, first: int) -> None:
    image = made(32)
    image.folder(2, [folder(b"A          ", first)])
    fat = image.open()
    assert "which is none" in fat.damage[0]
    assert list(fat.walk()) == []
    with pytest.raises(IncompleteError):
        fat.lstat("/A")


def test_a_folder_has_no_more_than_65536_entries(made: Made) -> None:
    image = made(16)
    image.folder(0, [folder(b"A          ", 10), folder(b"B          ", 5000)])
    for first in (10, 5000):
        image.folder(first, dots(first))
    image.link(*range(10, 10 + 4096))
    image.link(*range(5000, 5000 + 2000), 7500, 7501)
    fat = image.open()
    assert fat.damage == []
    assert fat.lstat("/A").size == 2 << 20
    image.link(*range(10, 10 + 4097))
    fat = image.open()
    assert "longer than 4096" in fat.damage[0]
    assert [path for path, _ in fat.walk()] == ["/B"]


@BITS
def test_what_is_free_is_what_no_chain_has(made: Made, bits: int) -> None:
    image = filled(made, bits)
    image.link(30, end=MASK[bits] - 8)  # a bad one
    image.link(31)  # of no file
    fat = image.open()
    used = {10, 11, 12, 20, 21, 30, 31} | ({2} if bits == 32 else set())
    for cluster in range(2, 40):
        assert fat.is_free(image.at(cluster) + 511) == (cluster not in used), cluster
    assert not fat.is_free(0)
    assert not fat.is_free(image.at(2) - 1)
    assert fat.is_free(image.size - 1 + (1 << 20))


def test_what_two_bits_more_in_an_entry_of_fat32_say_does_not_count(made: Made) -> None:
    image = filled(made, 32)
    start = image.open()._geometry.table * 512
    for cluster in (10, 12, 11):
        image.content[start + cluster * 4 + 3] |= 0xA0
    assert len(image.open().read("/ONE.TXT", 9999)) == 1100
