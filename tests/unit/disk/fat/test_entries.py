"""Entries of folders as Linux' vfat shows them: names short and long, times, modes, and what is none."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amigate.disk.blocks import IncompleteError
from amigate.disk.fat.entries import files, told
from amigate.disk.fat.names import short_name

from .conftest import dots, entry, folder, parts

if TYPE_CHECKING:
    from collections.abc import Callable

    from .conftest import Image

    Made = Callable[..., Image]

SHORT = b"LONGNA~1TXT"
LONG = "A long name of more than one part.text"
END, DELETED = bytes(32), 0xE5


def names(*entries: bytes) -> list[str]:
    return [each.name for each in files(entries)]


@pytest.mark.parametrize(
    "raw, case, name",
    [
        (b"README  TXT", 0, "README.TXT"),
        (b"README  TXT", 0x08, "readme.TXT"),
        (b"README  TXT", 0x10, "README.txt"),
        (b"README  TXT", 0x18, "readme.txt"),
        (b"README     ", 0x18, "readme"),
        (b"A B C   D E", 0, "A B C.D E"),
        (b"        TXT", 0, ".TXT"),
        (b"AB\0DEFGHI\0K", 0, "AB.I"),
        (b"\x05BC     TXT", 0, "\N{GREEK SMALL LETTER SIGMA}BC.TXT"),
        (b"\x80\x8e\x8f\x90\x92\x99\x9a\xa5\xe4\xe8 ", 0x18, "çäåéæöüñ.σφ"),
        (b"\xe2\xe9\xea\xe1\xf7   \xe2  ", 0x18, "ΓΘΩß≈.Γ"),
    ],
)
def test_short_names_are_of_code_page_437_and_lower_where_a_flag_says_so(raw: bytes, case: int, name: str) -> None:
    assert short_name(entry(raw, case=case)) == name
    assert names(entry(raw, case=case)) == [name]


@pytest.mark.parametrize("name", [LONG, "x", "thirteen char", "x" * 255, "naïve 日本 😀", ".hidden"])
def test_long_names_stand_before_their_entry(name: str) -> None:
    assert list(files([entry(b"FIRST      "), *parts(name, SHORT), entry(SHORT), END])) == [
        (0, "FIRST", "FIRST"),
        (1 + len(parts(name, SHORT)), name, "LONGNA~1.TXT"),
    ]


def wrong(index: int, at: int, value: int) -> list[bytes]:
    """Return parts of which one has a wrong byte."""
    found = [bytearray(each) for each in parts(LONG, SHORT)]
    found[index][at] = value
    return [bytes(each) for each in found]


@pytest.mark.parametrize(
    "before",
    [
        parts(LONG, b"OTHER   TXT"),
        parts(LONG, SHORT)[1:],
        parts(LONG, SHORT)[:-1],
        parts(LONG, SHORT)[::-1],
        [*parts(LONG, SHORT), entry(b"\xe5ONE       ")],
        [*parts(LONG, SHORT), entry(b"LABEL      ", attributes=0x08)],
        [*parts(LONG, SHORT), END],
        wrong(0, 0, DELETED),
        wrong(1, 0, DELETED),
        wrong(2, 0, DELETED),
        wrong(0, 0, 0),
        wrong(0, 0, 0x40),
        wrong(0, 0, 0x55),
        wrong(1, 13, 0),
        wrong(1, 11, 0x2F),
    ],
)
def test_where_a_long_name_is_not_of_the_entry_its_short_one_counts(before: list[bytes]) -> None:
    assert names(*before, entry(SHORT)) == ["LONGNA~1.TXT"]


def test_a_long_name_that_begins_anew_counts_from_there() -> None:
    assert names(*parts(LONG, SHORT)[:2], *parts("other", SHORT), entry(SHORT)) == ["other"]


def test_a_long_name_that_nothing_stands_behind_is_none() -> None:
    assert names(*parts(LONG, SHORT)) == []
    assert names(*parts(LONG, SHORT)[:2]) == []


def test_halves_of_pairs_are_left_out() -> None:
    first, *others = parts("a12b", SHORT)
    broken = first.replace("12".encode("utf-16-le"), b"\x00\xd8\x00\xd8")
    assert names(broken, *others, entry(SHORT)) == ["ab"]


def test_what_is_deleted_or_a_label_or_was_never_used_is_no_file() -> None:
    assert names(entry(b"\xe5ONE       "), entry(b"LABEL      ", attributes=0x28), END, entry(b"           ")) == []


def test_what_stands_behind_an_entry_that_was_never_used_counts_as_for_linux() -> None:
    assert names(END, END, entry(b"BEHIND     ")) == ["BEHIND"]


@given(st.lists(st.binary(min_size=32, max_size=32) | st.sampled_from([*parts(LONG, SHORT), entry(SHORT)])))
def test_whatever_entries_hold_they_are_told_or_not(entries: list[bytes]) -> None:
    found = list(files(entries))
    assert [each.at for each in found] == sorted({each.at for each in found})
    assert all(each.name or each.short for each in found)


def time_of(date: int, time: int) -> int:
    raw = bytearray(entry(SHORT))
    raw[22:26] = time.to_bytes(2, "little") + date.to_bytes(2, "little")
    return told(bytes(raw), is_32=True).mtime_s


def test_times_are_of_two_seconds_and_taken_for_utc() -> None:
    day = datetime.datetime(1980, 1, 1, tzinfo=datetime.UTC)
    while day.year <= 2107:
        date = day.year - 1980 << 9 | day.month << 5 | day.day
        assert time_of(date, 0) == day.timestamp(), day
        assert time_of(date, 23 << 11 | 59 << 5 | 29) == day.timestamp() + 86398
        day += datetime.timedelta(days=1)


def test_days_and_months_that_there_are_not_are_taken_as_linux_takes_them() -> None:
    first = int(datetime.datetime(1980, 1, 1, tzinfo=datetime.UTC).timestamp())
    assert time_of(0, 0) == first
    assert time_of(13 << 5 | 1, 0) == first + 86400  # as leap years count from March on
    assert time_of(1 << 5 | 1, 31 << 11 | 63 << 5 | 31) == first + 31 * 3600 + 63 * 60 + 62


def test_modes_are_those_of_a_mount_by_root(made: Made) -> None:
    image = made(12)
    image.folder(0, [entry(b"FILE       "), entry(b"READONLY   ", attributes=0x27), folder(b"FOLDER     ", 10)])
    image.put(image.at(0) + 64 + 11, b"\x11")
    image.folder(10, dots(10))
    image.link(10)
    assert [(path, oct(each.mode), each.uid, each.gid, each.size) for path, each in image.open().walk()] == [
        ("/FILE", "0o100755", 0, 0, 0),
        ("/READONLY", "0o100555", 0, 0, 0),
        ("/FOLDER", "0o40755", 0, 0, 512),
    ]


@pytest.mark.parametrize(
    "entries",
    [
        [entry(b"A/B        ")],
        [*parts("a/b", SHORT), entry(SHORT)],
        [*parts("..", SHORT), entry(SHORT)],
        [*parts("\0", SHORT), entry(SHORT)],
    ],
)
def test_a_name_that_none_can_have_is_damage(made: Made, entries: list[bytes]) -> None:
    image = made(12)
    image.folder(0, entries)
    fat = image.open()
    assert "a name that none can have" in fat.damage[0]
    with pytest.raises(IncompleteError):
        list(fat.listdir("/"))


@pytest.mark.parametrize(
    "entries",
    [
        [entry(b"ONE        "), entry(b"ONE        ")],
        [entry(b"ONE        "), entry(b"ONE        ", case=0x08)],
        [*parts("one", SHORT), entry(SHORT), entry(b"ONE        ")],
        [*parts("Two", SHORT), entry(SHORT), *parts("tWO", b"LONGNA~2TXT"), entry(b"LONGNA~2TXT")],
        [*parts("long", b"ONE        "), entry(b"ONE        "), *parts("One", SHORT), entry(SHORT)],
    ],
)
def test_two_entries_of_one_name_are_damage_as_only_one_of_them_is_found_by_it(
    made: Made, entries: list[bytes]
) -> None:
    image = made(12)
    image.folder(0, entries)
    fat = image.open()
    assert "two of its entries have one name" in fat.damage[0]


def test_names_lead_to_their_entries_in_any_case_long_or_short(made: Made) -> None:
    image = made(12)
    image.folder(0, [*parts("Some Name", SHORT), entry(SHORT), entry(b"\x80\x9a       "[:8] + b"   ")])
    fat = image.open()
    assert fat.damage == []
    number = fat.lstat("/Some Name").number
    for path in ("/SOME NAME", "/some name", "/longna~1.txt", "/some name..."):
        assert fat.lstat(path).number == number
    assert fat.lstat("/ÇÜ").number == number + 1
    for path in ("/some", "/çü", "/...", "/Some Name/"[:6]):
        with pytest.raises(FileNotFoundError):
            fat.lstat(path)


def test_a_label_is_that_of_the_root(made: Made) -> None:
    image = made(12, "-n", "NAMED SO")
    assert image.open().label == "NAMED SO"
    image.folder(0, [entry(b"\xe5LD        ", attributes=0x08), entry(b"\x05NE        ", attributes=0x08)])
    assert image.open().label == "\\xe5NE"
    image.folder(0, [END])
    assert image.open().label == ""
