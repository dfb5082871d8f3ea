"""Names of entries: short ones of eight and three bytes, and long ones of UTF-16 in entries of their own before them.

They are as Linux' vfat shows them with its defaults: `codepage=437`, `shortname=mixed` and, as Debian builds it,
`utf8`. Other builds show question marks for what is not of their character set."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

DELETED = 0xE5
LONG = 0x0F
"""The attributes of an entry that holds part of a long name."""
VOLUME = 0x08
ATTRIBUTES = 11
NAME = 11
"""Bytes of a short name, which an entry begins with."""
_BASE = 8
_CASE, _LOWER_BASE, _LOWER_EXTENSION = 12, 0x08, 0x10
_ESCAPED = 0x05
"""In place of the first byte of a name that would be that of a deleted entry."""
_CHECKSUM = 13
_FIRST, _MOST_PARTS = 0x40, 20
_PARTS = (slice(1, 11), slice(14, 26), slice(28, 32))
_PART_BYTES = 26


def _lower(byte: int) -> int:
    """Return the lower case of a character of code page 437, where it has one in it."""
    character = bytes([byte]).decode("cp437").lower()
    try:
        return character.encode("cp437")[0]
    except UnicodeEncodeError:
        return byte


_LOWERED = bytes(map(_lower, range(256)))


def short_name(entry: bytes) -> str:
    """Return the short name of an entry; nothing where it has none."""
    raw = unescaped(entry)
    base, extension = (part.split(b"\0")[0].rstrip(b" ") for part in (raw[:_BASE], raw[_BASE:]))
    if entry[_CASE] & _LOWER_BASE:
        base = base.translate(_LOWERED)
    if entry[_CASE] & _LOWER_EXTENSION:
        extension = extension.translate(_LOWERED)
    return (base + (b"." + extension if extension else b"")).decode("cp437")


def unescaped(entry: bytes) -> bytes:
    """Return the bytes of the short name of an entry."""
    return bytes([DELETED]) + entry[1:NAME] if entry[0] == _ESCAPED else entry[:NAME]


def checksum(entry: bytes) -> int:
    """Return what each part of the long name of an entry says of its short name."""
    found = 0
    for byte in entry[:NAME]:
        found = ((found << 7) + (found >> 1) + byte) & 0xFF
    return found


def is_none(entry: bytes) -> bool:
    """Whether an entry is free, deleted or a label: none that names a file."""
    return entry[0] in {0, DELETED} or bool(entry[ATTRIBUTES] & VOLUME)


def long_name(entries: Sequence[bytes], at: int) -> tuple[int, str | None]:
    """Return the index of the entry that the parts of a long name from index `at` on stand before, and that name.

    None where the parts are not of that entry, which then has its short name alone, if it names a file at all. It is
    decided as in Linux' fat_parse_long()."""
    while at < len(entries):
        parts = entries[at][0] ^ _FIRST
        if not 0 < parts <= _MOST_PARTS:
            return at + 1, None
        end, units = _gathered(entries, at, parts)
        if end == len(entries):
            return end, None
        entry = entries[end]
        if entry[ATTRIBUTES] == LONG and (end < at + parts or entry[0] != DELETED):
            at = end
        elif end < at + parts or is_none(entry) or checksum(entry) != entries[at][_CHECKSUM]:
            return end, None
        else:
            return end, _decoded(units)
    return at, None


def _gathered(entries: Sequence[bytes], at: int, parts: int) -> tuple[int, bytes]:
    """Return the index behind the parts of a long name that fit each other, the last of which come first; and it."""
    said = entries[at][_CHECKSUM]
    units = bytearray(_PART_BYTES * parts + 2)
    for left in range(parts, 0, -1):
        entry = entries[at] if at < len(entries) else None
        if entry is None or entry[ATTRIBUTES] != LONG or entry[0] & ~_FIRST != left or entry[_CHECKSUM] != said:
            break
        start, end = (left - 1) * _PART_BYTES, left * _PART_BYTES
        units[start:end] = b"".join(entry[part] for part in _PARTS)
        if entry[0] & _FIRST:
            units[end : end + 2] = bytes(2)
        at += 1
    return at, bytes(units)


def _decoded(units: bytes) -> str:
    """Return UTF-16 up to its end; halves of pairs are left out, as utf16s_to_utf8s() of Linux does."""
    return units.decode("utf-16-le", "ignore").partition("\0")[0]
