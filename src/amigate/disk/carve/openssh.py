"""OpenSSH's own format: https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.key"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from amigate.disk.carve.base64_text import decode
from amigate.disk.carve.secret import MOST_BYTES, Kind, Secret, places
from amigate.evidence.redaction.keys import fingerprint

if TYPE_CHECKING:
    from collections.abc import Iterator

    from amigate.evidence.redaction.kept import Mac

_MAGIC = b"openssh-key-v1\0"
_MARK = _MAGIC.rstrip(b"\0")
"""Zeros are everywhere, so that it is found sooner without."""
_ENCODED = b"b3BlbnNzaC1rZXktdjEA"
"""The magic in base64: what begins a key whose first line is gone."""
MARKS = (_MARK, _ENCODED)
_NAME = re.compile(rb"[a-z0-9@.-]{1,64}")
_CHECK_BYTES = 8
_HEAD_BYTES = 512
_MOST_PUBLIC_BYTES = 4096
_LEAST_SECRET_BYTES = 64


class Key(NamedTuple):
    """What can be seen of a key without its passphrase."""

    fingerprint: str
    is_encrypted: bool
    is_whole: bool
    length: int


class _Head(NamedTuple):
    """What stands in front of the public half."""

    is_encrypted: bool
    public_at: int
    public_end: int


def parse(data: bytes) -> Key | None:
    """Return what key the data begins with; None where there is none, or nothing secret of it is left."""
    head = _head(data[:_HEAD_BYTES])
    if head is None:
        return None
    length = int.from_bytes(data[head.public_end : head.public_end + 4], "big")
    private = data[head.public_end + 4 : head.public_end + 4 + min(length, MOST_BYTES)]
    if len(private) < min(length, _LEAST_SECRET_BYTES) or length < _CHECK_BYTES:
        return None
    public = fingerprint(data[head.public_at : head.public_end])
    return Key(public, head.is_encrypted, len(private) == length, head.public_end + 4 + len(private))


def raw(data: bytes, begin: int, end: int, mac: Mac) -> Iterator[Secret]:
    """Find keys in the format itself, as memory and swap hold them."""
    del mac
    done = begin
    for at in places(data, _MARK, begin, end):
        if at >= done and _head(data[at : at + _HEAD_BYTES]) and (key := parse(data[at : at + MOST_BYTES])):
            done = at + key.length
            yield _secret(key, at, done)


def encoded(data: bytes, begin: int, end: int, mac: Mac) -> Iterator[Secret]:
    """Find keys in base64, with their first line or without."""
    del mac
    done = begin
    for at in places(data, _ENCODED, begin, end):
        head = None if at < done else _head(decode(data, at, _HEAD_BYTES).data)
        if head is None or parse(decode(data, at, 2 * (head.public_end + _LEAST_SECRET_BYTES)).data) is None:
            continue  # most of it is only decoded where there is a key
        text = decode(data, at, MOST_BYTES)
        if key := parse(text.data):
            done = text.end
            yield _secret(key, at, done)


def _head(data: bytes) -> _Head | None:
    """Read up to the type of the key; cheap, as hostile bytes may begin a key everywhere."""
    if not data.startswith(_MAGIC):
        return None
    cipher, at = string(data, len(_MAGIC))
    kdf, at = string(data, at)
    _, at = string(data, at)
    count, length = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "big")
    if not (_is_name(cipher) and _is_name(kdf) and count == b"\0\0\0\1" and length <= _MOST_PUBLIC_BYTES):
        return None
    return _Head(cipher != b"none", at + 8, at + 8 + length) if _is_name(string(data, at + 8)[0]) else None


def string(data: bytes, at: int) -> tuple[bytes, int]:
    """Return the string of RFC 4251 at `at`, and where the next begins; an empty one where it breaks off."""
    end = at + 4 + int.from_bytes(data[at : at + 4], "big")
    return (data[at + 4 : end], end) if end <= len(data) else (b"", len(data))


def _is_name(text: bytes) -> bool:
    return _NAME.fullmatch(text) is not None


def _secret(key: Key, begin: int, end: int) -> Secret:
    return Secret(
        kind=Kind.PRIVATE_KEY,
        what="openssh-key-v1",
        begin=begin,
        end=end,
        fingerprint=key.fingerprint,
        is_encrypted=key.is_encrypted,
        is_whole=key.is_whole,
    )
