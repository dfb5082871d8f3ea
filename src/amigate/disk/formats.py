"""The format of a disk image file, told by its magic; what refers to other files is refused here.

qemu-img is never asked to guess. What its drivers open besides the file itself is known from their source: block/vmdk.c
follows a descriptor to any path (an image that is text, or a sparse one whose capacity is 0), and opens the parent that
a descriptor names; block/vpc.c takes a differencing disk for a whole one; vdi.c and vhdx.c refuse parents."""

from __future__ import annotations

import re
import struct
from enum import StrEnum
from typing import TYPE_CHECKING

from amigate.disk import qcow2_header
from amigate.disk.blocks import IncompleteError, UnsupportedError

if TYPE_CHECKING:
    from amigate.disk.blocks import Blocks


class Format(StrEnum):
    """Formats that are read; the values are what QEMU calls them, except for `vhd-fixed`."""

    RAW = "raw"
    QCOW2 = "qcow2"
    VMDK = "vmdk"
    VHD = "vpc"
    VHD_FIXED = "vhd-fixed"
    """A raw disk and a footer of one sector."""
    VHDX = "vhdx"
    VDI = "vdi"


FOOTER_BYTES = 512
_HEAD_BYTES = 1024
_VDI_AT, _VDI = 64, b"\x7f\x10\xda\xbe"
_VHD = b"conectix"
_VHD_TYPE = struct.Struct(">60xI")
_VHD_FIXED, _VHD_DYNAMIC = 2, 3
_KNOWN = ((b"KDMV", Format.VMDK), (b"vhdxfile", Format.VHDX), (qcow2_header.MAGIC, Format.QCOW2))
_REFUSED = (
    (0, b"# Disk DescriptorFile", "a VMDK descriptor, whose disk is in other files"),
    (0, b"COWD", "a VMDK of an old kind"),
    (0, b"QED\0", "a QED image"),
    (0, b"WithoutFreeSpace", "a Parallels image"),
    (0, b"WithouFreSpacExt", "a Parallels image"),
    (0, b"EVF\x09", "an EnCase image"),
    (0, b"\x1f\x8b\x08", "compressed by gzip"),
    (0, b"\xfd7zXZ\0", "compressed by xz"),
    (0, b"BZh", "compressed by bzip2"),
    (0, b"\x28\xb5\x2f\xfd", "compressed by zstd"),
    (0, b"PK\x03\x04", "a zip archive"),
    (257, b"ustar", "a tar archive"),
)

_VMDK = struct.Struct("<4sIIQQQQ")
_VMDK_DESCRIPTOR_AT = 512
"""Where QEMU looks for a parent, whatever the header says."""
_VMDK_DESCRIPTOR_BYTES = 20 * 512
_VMDK_MOST_BYTES = 1 << 20
_VMDK_TYPES = frozenset({b"monolithicSparse", b"streamOptimized"})


def recognise(file: Blocks) -> Format:
    """Return the format of an image; what has no magic is raw.

    Raises UnsupportedError for one that is not read, or that needs other files; IncompleteError for one cut short."""
    head = file.read(0, min(_HEAD_BYTES, file.size))
    for at, magic, what in _REFUSED:
        if head.startswith(magic, at):
            raise UnsupportedError(f"the image is {what}; make it a disk image of its own first, raw or qcow2")
    if head.startswith(_VDI, _VDI_AT):
        return Format.VDI
    for magic, known in _KNOWN:
        if head.startswith(magic):
            if known == Format.VMDK:
                _check_vmdk(file)
            return known
    return _vhd(file, head) or Format.RAW


def _vhd(file: Blocks, head: bytes) -> Format | None:
    """Return which kind of VHD it is: a dynamic one begins with its footer, a fixed one ends with it."""
    if head.startswith(_VHD):
        _check_vhd(head, _VHD_DYNAMIC)
        return Format.VHD
    if file.size <= FOOTER_BYTES or file.size % FOOTER_BYTES:
        return None
    footer = file.read(file.size - FOOTER_BYTES, FOOTER_BYTES)
    if not footer.startswith(_VHD):
        return None
    _check_vhd(footer, _VHD_FIXED)
    return Format.VHD_FIXED


def _check_vhd(footer: bytes, wanted: int) -> None:
    if len(footer) < FOOTER_BYTES or _VHD_TYPE.unpack_from(footer)[0] != wanted:
        raise UnsupportedError("the image is a VHD that needs another one, or of an unknown kind")


def _check_vmdk(file: Blocks) -> None:
    if file.size < _VMDK_DESCRIPTOR_AT + _VMDK_DESCRIPTOR_BYTES:
        raise IncompleteError("the VMDK image ends within its header")
    head = file.read(0, _VMDK.size)
    _, _, _, capacity, _, descriptor_at, descriptor_sectors = _VMDK.unpack(head)
    length = descriptor_sectors * 512
    if not capacity or not descriptor_at or not 0 < length <= _VMDK_MOST_BYTES:
        raise UnsupportedError("the VMDK image does not describe itself; its disk may be in other files")
    descriptor = file.read(descriptor_at * 512, length)
    types = re.findall(rb'^\s*createType\s*=\s*"([^"\n]*)"', descriptor, re.MULTILINE)
    parents = re.findall(rb"^\s*parentCID\s*=\s*(\w+)", descriptor, re.MULTILINE)
    extents = re.findall(rb"^\s*(?:RW|RDONLY|NOACCESS)\s.*$", descriptor, re.MULTILINE)
    if len(types) != 1 or types[0] not in _VMDK_TYPES or len(extents) != 1:
        raise UnsupportedError("the VMDK image consists of several files, or is of an unknown kind")
    hint = b"parentFileNameHint" in descriptor + file.read(_VMDK_DESCRIPTOR_AT, _VMDK_DESCRIPTOR_BYTES)
    if hint or [parent.lower() for parent in parents] != [b"ffffffff"]:
        raise UnsupportedError("the VMDK image needs another one")
