"""Logs: packed ones are unpacked, journals of systemd are read entry by entry, so that nothing hides in either.

https://systemd.io/JOURNAL_FILE_FORMAT/"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from amigate.detect.hits import Hit, Sort
from amigate.detect.initramfs import UnpackError, unpacked
from amigate.detect.values import authorizations, options, plain, urls

if TYPE_CHECKING:
    from collections.abc import Iterator

PLACES: Final = re.compile(r"(?:\[[^]]*\])?/(?:var/log|run/log/journal|log|journal)/.+", re.DOTALL)
"""Where logs lie; in a volume of their own that is mounted nowhere, behind its name."""
_PACKED = (b"\x1f\x8b", b"\xfd7zXZ\0", b"BZh", b"\x28\xb5\x2f\xfd")
_UNREAD = (b"\x04\x22\x4d\x18", b"\x02\x21\x4c\x18", b"\x89LZO", b"PK\x03\x04", b"7z\xbc\xaf\x27\x1c", b"Rar!")
"""What lz4, lzop, zip, 7-Zip and RAR begin with; they are not unpacked."""
_JOURNAL = b"LPKSHHRH"
_DATA = 1
_COMPACT = 1 << 4
_XZ, _LZ4, _ZSTD = 1, 2, 4
_HEADER_BYTES = 144
_OBJECT_BYTES = 16
_MOST_OBJECTS = 20_000_000
_WINDOW_BYTES = 1024 * 1024
MOST_BYTES: Final = 256 * 1024 * 1024
"""Of one packed log or journal."""
_MOST_HITS = 20


def is_packed(head: bytes) -> bool:
    """Whether a log is packed, or a journal, so that its bytes do not show what it says."""
    return head.startswith((*_PACKED, *_UNREAD, _JOURNAL))


def said(content: bytes) -> Iterator[bytes]:
    """Yield what a packed log or a journal says, in pieces; raises UnpackError where it cannot be read."""
    if content.startswith(_UNREAD):
        raise UnpackError
    yield from _entries(content) if content.startswith(_JOURNAL) else unpacked(content)


def logged(content: bytes) -> Iterator[Hit]:
    """Yield the passwords and tokens in addresses, in options of commands and in headers that a text of a log has."""
    text = plain(content)
    for what, found in (
        ("an address with a password", urls(text)),
        ("an option of a command with a secret", options(text)),
        ("a header of HTTP with a password or token", authorizations(text)),
    ):
        for count, at in enumerate(found):
            if count >= _MOST_HITS:
                break
            yield Hit(sort=Sort.LOGGED, offset=at, detail=what)


def _entries(content: bytes) -> Iterator[bytes]:
    """Yield the fields of all entries, several at once, each ended by a line feed."""
    if len(content) < _HEADER_BYTES:
        raise UnpackError
    compact = int.from_bytes(content[12:16], "little") & _COMPACT
    at, last = (int.from_bytes(content[place : place + 8], "little") for place in (88, 136))
    begin = 72 if compact else 64
    window = bytearray()
    for _ in range(_MOST_OBJECTS):
        if at > last or last == 0:
            yield bytes(window)
            return
        size = int.from_bytes(content[at + 8 : at + 16], "little")
        if size < _OBJECT_BYTES or at + size > len(content):
            raise UnpackError
        if content[at] == _DATA:
            window += _field(content[at + begin : at + size], content[at + 1])
            window += b"\n"
        if len(window) > _WINDOW_BYTES:
            yield bytes(window)
            window.clear()
        at += size + -size % 8
    raise UnpackError


def _field(payload: bytes, flags: int) -> bytes:
    if flags & _LZ4:
        raise UnpackError
    if flags & (_XZ | _ZSTD):
        return b"".join(unpacked(payload))
    return payload
