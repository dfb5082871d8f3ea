"""The header of a qcow2 image, and what makes one unreadable.

Format: https://www.qemu.org/docs/master/interop/qcow2.html"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from amigate.disk.blocks import IncompleteError, UnsupportedError

if TYPE_CHECKING:
    from amigate.disk.blocks import Blocks

MAGIC = b"QFI\xfb"
_FIRST = struct.Struct(">4sIQIIQIIQ")
_VERSION_2_BYTES = 72
_VERSION_3 = struct.Struct(">Q20xI")
"""Incompatible features, and the length of the header."""
_LEAST_VERSION_3_BYTES = 104
_COMPRESSION_AT = 104
_CLUSTER_BITS = range(9, 22)
_MOST_L1_BYTES = 32 << 20
"""As many as QEMU takes."""
_MOST_BYTES = 1 << 56

_COMPRESSION_BIT, _EXTENDED_L2_BIT = 3, 4
_DAMAGE = {0: "it was not closed; mend it with: qemu-img check -r all", 1: "it is marked as corrupt"}
_EXTERNAL = 2

_EXTENSION = struct.Struct(">II")
_MOST_EXTENSIONS = 64
_REFUSED_EXTENSIONS = {0x44415441: "its data is in another file", 0x0537BE77: "it is encrypted"}
_CONVERT = "make it self-contained with: qemu-img convert -O qcow2"


@dataclass(frozen=True, kw_only=True)
class Header:
    """What it takes to read an image that consists of nothing but itself."""

    version: int
    cluster_bits: int
    size: int
    """Of the disk, in bytes."""
    l1_entries: int
    """So many as the disk needs."""
    l1_offset: int
    zstd: bool
    """How clusters are compressed, else by deflate."""

    @property
    def cluster(self) -> int:
        """Bytes of a cluster."""
        return 1 << self.cluster_bits

    @property
    def l2_entries(self) -> int:
        """Entries of an L2 table, which fills a cluster."""
        return self.cluster // 8


def read(file: Blocks) -> Header:
    """Return the header; raises UnsupportedError for a feature that is not read, IncompleteError for damage."""
    if file.size < _VERSION_2_BYTES:
        raise IncompleteError("the qcow2 image ends within its header")
    start = file.read(0, _VERSION_2_BYTES)
    magic, version, backing, _, cluster_bits, size, encryption, l1_entries, l1_offset = _FIRST.unpack_from(start)
    if magic != MAGIC or version not in {2, 3} or cluster_bits not in _CLUSTER_BITS:
        raise UnsupportedError("a qcow2 image of an unknown version or cluster size")
    if backing:
        raise UnsupportedError(f"the qcow2 image has a backing file; {_CONVERT}")
    if encryption:
        raise UnsupportedError("the qcow2 image is encrypted")
    zstd, extensions_at = _version_3(file) if version == 3 else (False, _VERSION_2_BYTES)  # noqa: PLR2004
    _check_extensions(file, extensions_at, 1 << cluster_bits)
    header = Header(
        version=version,
        cluster_bits=cluster_bits,
        size=size,
        l1_entries=-(-size // (1 << (2 * cluster_bits - 3))),
        l1_offset=l1_offset,
        zstd=zstd,
    )
    if size > _MOST_BYTES or l1_entries < header.l1_entries or header.l1_entries * 8 > _MOST_L1_BYTES:
        raise IncompleteError("the qcow2 image has a size that its tables do not cover")
    if l1_offset % header.cluster:
        raise IncompleteError("the L1 table of the qcow2 image lies askew")
    return header


def _version_3(file: Blocks) -> tuple[bool, int]:
    """Return whether clusters are compressed by zstd, and the length of the header."""
    features, length = _VERSION_3.unpack(file.read(_VERSION_2_BYTES, _VERSION_3.size))
    for bit, why in _DAMAGE.items():
        if features >> bit & 1:
            raise IncompleteError(f"the qcow2 image cannot be trusted: {why}")
    if features >> _EXTERNAL & 1:
        raise UnsupportedError(f"the qcow2 image keeps its data in another file; {_CONVERT}")
    if features >> _EXTENDED_L2_BIT & 1:
        raise UnsupportedError(
            "the qcow2 image has extended L2 entries; write it without: qemu-img convert -O qcow2 -o extended_l2=off"
        )
    if features >> (_EXTENDED_L2_BIT + 1):
        raise UnsupportedError("the qcow2 image has features that are not known here")
    if length < _LEAST_VERSION_3_BYTES or length % 8:
        raise IncompleteError("the header of the qcow2 image has a length that cannot be")
    compression = file.read(_COMPRESSION_AT, 1)[0] if length > _COMPRESSION_AT else 0
    if compression > 1 or bool(compression) != bool(features >> _COMPRESSION_BIT & 1):
        raise UnsupportedError("the qcow2 image is compressed in a way that is not known here")
    return bool(compression), length


def _check_extensions(file: Blocks, offset: int, end: int) -> None:
    """Go through the list of extensions, which lies in the first cluster; an end of it may be missing there."""
    for _ in range(_MOST_EXTENSIONS):
        if offset + _EXTENSION.size > end:
            return
        kind, length = _EXTENSION.unpack(file.read(offset, _EXTENSION.size))
        if kind == 0:
            return
        if kind in _REFUSED_EXTENSIONS:
            raise UnsupportedError(f"the qcow2 image cannot be read: {_REFUSED_EXTENSIONS[kind]}")
        offset += _EXTENSION.size + -(-length // 8) * 8
    raise IncompleteError("the header of the qcow2 image has no end")
