"""Entries of folders: what they tell of a file, and which of them there are."""

from __future__ import annotations

import stat
from itertools import takewhile
from struct import Struct
from typing import TYPE_CHECKING, NamedTuple

from amigate.disk.fat.names import ATTRIBUTES, DELETED, LONG, NAME, VOLUME, is_none, long_name, short_name, unescaped
from amigate.evidence.file_system import Inode

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

DOT, DOT_DOT = b".          ", b"..         "
_FIELDS = Struct("<11xB8xHHHHI")
"""Attributes, upper half of the first cluster, time and date of the last change, lower half, size."""
_READ_ONLY, _FOLDER, _ALL = 0x01, 0x10, 0x3F
_DAYS_BEFORE = (0, 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 0, 0, 0)
"""Of each month, in a year that is no leap year; there are no months 13 to 15."""
_DAYS_TO_1980 = 3652
_YEAR_2100, _FEBRUARY = 120, 2


class Told(NamedTuple):
    """What an entry tells of a file or folder."""

    is_folder: bool
    is_read_only: bool
    first: int
    """The number of its first cluster; 0 where it has none."""
    size: int
    """Of a file; of a folder it is not told."""
    mtime_s: int

    def inode(self, number: int, size: int) -> Inode:
        """Return what lstat(2) tells of it, mounted by root without options: owners and modes are not kept."""
        kind = stat.S_IFDIR if self.is_folder else stat.S_IFREG
        mode = 0o555 if self.is_read_only and not self.is_folder else 0o755
        return Inode(mode=kind | mode, uid=0, gid=0, size=size, mtime_ns=self.mtime_s * 10**9, number=number)


class Named(NamedTuple):
    """An entry that names a file."""

    at: int
    """Its index among all entries of its folder."""
    name: str
    """As it is shown."""
    short: str
    """The other name that leads to it."""


def told(entry: bytes, *, is_32: bool) -> Told:
    """Return what an entry tells."""
    attributes, high, time, date, low, size = _FIELDS.unpack(entry)
    return Told(
        is_folder=bool(attributes & _FOLDER),
        is_read_only=bool(attributes & _READ_ONLY),
        first=low | high << 16 if is_32 else low,
        size=size,
        mtime_s=_seconds(date, time),
    )


def files(entries: Sequence[bytes]) -> Iterator[Named]:
    """Yield what names a file or folder, without `.` and `..`.

    As for Linux, and not for others, no entry marks the end: what stands behind one that was never used counts too."""
    at = 0
    while at < len(entries):
        entry, name = entries[at], None
        if entry[ATTRIBUTES] == LONG and entry[0] != DELETED:
            at, name = long_name(entries, at)
            if name is None:
                continue
            entry = entries[at]
        if not is_none(entry) and entry[:NAME] not in {DOT, DOT_DOT}:
            short = short_name(entry)
            if name is not None or short:
                yield Named(at, short if name is None else name, short)
        at += 1


def is_itself(entries: Sequence[bytes], first: int, *, is_32: bool) -> bool:
    """Whether a folder that is not the root begins with `.`, which leads to it, and `..`."""
    own, above = (told(entry, is_32=is_32) for entry in entries[:2])
    names = [entry[:NAME] for entry in entries[:2]]
    return names == [DOT, DOT_DOT] and own.is_folder and above.is_folder and own.first == first


def label(entries: Sequence[bytes]) -> str:
    """Return the label in a root folder, as blkid(8) tells it; nothing where there is none."""
    for entry in takewhile(lambda each: each[0], entries):
        kind = entry[ATTRIBUTES] & _ALL
        is_label = kind != LONG and kind & (VOLUME | _FOLDER) == VOLUME and not told(entry, is_32=True).first
        if is_label and entry[0] != DELETED:
            return unescaped(entry).rstrip(b" ").split(b"\0")[0].decode("utf-8", "backslashreplace")
    return ""


def _seconds(date: int, time: int) -> int:
    """Return seconds since the epoch, taken for UTC, as Linux' fat_time_fat2unix() does; two make one step."""
    year, month, day = date >> 9, max(date >> 5 & 15, 1), max(date & 31, 1)
    leap_days = (year + 3) // 4 - (year > _YEAR_2100)
    if not year & 3 and year != _YEAR_2100 and month > _FEBRUARY:
        leap_days += 1
    days = _DAYS_TO_1980 + year * 365 + leap_days + _DAYS_BEFORE[month] + day - 1
    return ((days * 24 + (time >> 11)) * 60 + (time >> 5 & 63)) * 60 + (time & 31) * 2
