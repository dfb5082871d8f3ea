"""The header of a qcow2 file, read before any other program is let near the file.

Format: https://www.qemu.org/docs/master/interop/qcow2.html"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from amigate.errors import UsageError

if TYPE_CHECKING:
    from typing import BinaryIO

_MAGIC = b"QFI\xfb"
_FIRST = struct.Struct(">4sIQIIQI")
"""Magic, version, offset and length of the backing file's name, cluster bits, virtual size, encryption."""
_VERSION_2_BYTES = 72
_FEATURES = struct.Struct(">Q")
_LENGTH = struct.Struct(">I")
_FEATURES_AT, _LENGTH_AT = 72, 100
_CLUSTER_BITS = range(9, 22)
_EXTENSION = struct.Struct(">II")
_MOST_EXTENSIONS = 64

_TOLERATED = 0b11000
"""Other compression, extended L2 entries: how clusters are written, inside the file."""
_FEATURE_REFUSALS = {
    0: "was not closed; mend it with: qemu-img check -r all",
    1: "is marked as corrupt",
    2: "keeps its data in another file",
}
_EXTENSION_REFUSALS = {0x44415441: "names another file for its data", 0x0537BE77: "is encrypted"}


def virtual_size(file: BinaryIO) -> int:
    """Return how many bytes a guest sees of a qcow2 file that consists of nothing but itself.

    Raises UsageError for everything else: what refers to another file would have it read on the user's behalf."""
    start = _read(file, 0, _VERSION_2_BYTES)
    magic, version, backing, _, cluster_bits, size, encryption = _FIRST.unpack_from(start)
    if magic != _MAGIC or version not in (2, 3) or cluster_bits not in _CLUSTER_BITS:
        raise UsageError("the file is no qcow2 of version 2 or 3", hint="say what it is with --format")
    if backing:
        raise _refusal("has a backing file")
    if encryption:
        raise _refusal("is encrypted")
    extensions_at = _VERSION_2_BYTES
    if version == 3:  # noqa: PLR2004 - the version that has features
        _check_features(_FEATURES.unpack(_read(file, _FEATURES_AT, _FEATURES.size))[0])
        (extensions_at,) = _LENGTH.unpack(_read(file, _LENGTH_AT, _LENGTH.size))
    _check_extensions(file, extensions_at, 1 << cluster_bits)
    return int(size)


def _check_features(features: int) -> None:
    for bit, refusal in _FEATURE_REFUSALS.items():
        if features >> bit & 1:
            raise _refusal(refusal)
    if features & ~(_TOLERATED | 0b111):
        raise _refusal("needs features that are not known here")


def _check_extensions(file: BinaryIO, offset: int, end: int) -> None:
    """Go through the list of extensions, which lies in the first cluster."""
    for _ in range(_MOST_EXTENSIONS):
        if offset + _EXTENSION.size > end:
            raise _refusal("has a header that does not end")
        kind, length = _EXTENSION.unpack(_read(file, offset, _EXTENSION.size))
        if kind == 0:
            return
        if kind in _EXTENSION_REFUSALS:
            raise _refusal(_EXTENSION_REFUSALS[kind])
        offset += _EXTENSION.size + -(-length // 8) * 8
    raise _refusal("has a header that does not end")


def _read(file: BinaryIO, offset: int, length: int) -> bytes:
    file.seek(offset)
    data = file.read(length)
    if len(data) < length:
        raise UsageError("the file is too short for a qcow2", hint="say what it is with --format")
    return data


def _refusal(reason: str) -> UsageError:
    return UsageError(f"the qcow2 file {reason}", hint="make it self-contained with: qemu-img convert -O qcow2")
