"""Physical volumes of LVM2: the label at the start of a device, and the metadata areas that it names.

Layout: https://sourceware.org/git/?p=lvm2.git;a=blob;f=lib/format_text/layout.h and lib/label/label.h."""

from __future__ import annotations

import binascii
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from amigate.disk.blocks import Extent, IncompleteError
from amigate.disk.pieces import require
from amigate.disk.volumes.lvm_text import MOST_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from amigate.disk.blocks import Blocks

_SECTOR = 512
_LABEL_SECTORS = 4
_LABEL = struct.Struct("<8sQII8s")
_LABEL_ID, _LABEL_TYPE = b"LABELONE", b"LVM2 001"
_CRC_FROM = 20
_UUID_BYTES = 32
_AREA = struct.Struct("<QQ")
_CRC_START = 0xF597A6CF

_MDA = struct.Struct("<I16sIQQ")
_MDA_BYTES = 512
_MDA_MAGIC = b" LVM2 x[5A%r0N*>"
_LOCATION = struct.Struct("<QQII")
_IGNORED = 1


@dataclass(frozen=True, kw_only=True)
class Label:
    """What a device says of itself as a physical volume."""

    uuid: str
    """Without hyphens."""
    areas: tuple[Extent, ...]
    """Of metadata; none on one whose group keeps it elsewhere."""


def read_label(device: Blocks) -> Label | None:
    """Return the label, None without one; raises IncompleteError where it is damaged."""
    head = device.read(0, min(_LABEL_SECTORS * _SECTOR, device.size))
    for at in range(0, len(head) - _SECTOR + 1, _SECTOR):
        ident, sector, crc, offset, kind = _LABEL.unpack_from(head, at)
        if ident == _LABEL_ID and kind == _LABEL_TYPE:
            label = head[at : at + _SECTOR]
            if sector * _SECTOR != at or checksum(label[_CRC_FROM:]) != crc:
                raise IncompleteError("the label of the LVM physical volume is damaged")
            return _label(label, offset)
    return None


def _label(label: bytes, offset: int) -> Label:
    at = offset + _UUID_BYTES + 8  # the size of the device follows the id
    try:
        lists: list[list[Extent]] = [[], []]
        for areas in lists:
            while (area := _AREA.unpack_from(label, at))[0]:
                areas.append(Extent(*area))
                at += _AREA.size
            at += _AREA.size
        uuid = label[offset : offset + _UUID_BYTES].decode("ascii")
    except (struct.error, UnicodeDecodeError) as error:
        raise IncompleteError("the label of the LVM physical volume is damaged") from error
    return Label(uuid=uuid, areas=tuple(lists[1]))


def read_text(device: Blocks, area: Extent) -> str:
    """Return the text in a metadata area, "" where it has none; raises IncompleteError where it is damaged."""
    header = device.read(area.offset, _MDA_BYTES)
    crc, magic, version, start, size = _MDA.unpack_from(header)
    if magic != _MDA_MAGIC or crc != checksum(header[4:]) or version != 1 or start != area.offset:
        raise IncompleteError("an LVM metadata area is damaged")
    offset, length, text_crc, flags = _LOCATION.unpack_from(header, _MDA.size)
    if not offset or flags & _IGNORED:
        return ""
    require(device, area.offset, size)
    if length > MOST_BYTES or not _MDA_BYTES <= offset < size or length > size - _MDA_BYTES:
        raise IncompleteError("the LVM metadata lies outside of its area")
    text = b"".join(
        device.read(extent.offset, extent.length) for extent in _around(area.offset, size, Extent(offset, length))
    )
    if checksum(text) != text_crc:
        raise IncompleteError("the checksum of the LVM metadata is wrong")
    return text.rstrip(b"\0").decode("utf-8", "surrogateescape")


def _around(start: int, size: int, text: Extent) -> Iterator[Extent]:
    """Yield where a text lies in its area, which is a ring after the header."""
    first = min(text.length, size - text.offset)
    yield Extent(start + text.offset, first)
    if text.length > first:
        yield Extent(start + _MDA_BYTES, text.length - first)


def checksum(data: bytes) -> int:
    """Return LVM2's CRC-32, which starts elsewhere and is not inverted."""
    return binascii.crc32(data, _CRC_START ^ 0xFFFFFFFF) ^ 0xFFFFFFFF
