"""What says at its end, or in many places, that it is one of several devices: Linux MD and ZFS.

After libblkid's superblocks/linux_raid.c and zfs.c."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from amigate.disk.blocks import Blocks

_MD_MAGIC = 0xA92B4EFC
_MD_RESERVED = 0x10000
_MD = struct.Struct("<II")
_MD_SUPER_AT = 144
"""Where a superblock of version 1 says its own sector."""
_MD_BYTES = 256

_ZFS_LABEL = 1 << 18
_ZFS_FIRST, _ZFS_STEP = 1 << 17, 1024
_ZFS_MAGICS = (struct.pack("<Q", 0xBAB10C), struct.pack(">Q", 0xBAB10C))
_ZFS_WANTED = 4
"""So many of a label's 128 blocks make sure."""
_ZFS_LEAST = 64 << 20


def recognise(blocks: Blocks, head: bytes) -> str:
    """Return `linux_raid_member`, `zfs_member` or ""; `head` is the start of the device."""
    if _is_md(blocks, head):
        return "linux_raid_member"
    return "zfs_member" if _is_zfs(blocks) else ""


def _is_md(blocks: Blocks, head: bytes) -> bool:
    if any(_is_version_1(head[at : at + _MD_BYTES], at) for at in (0, 0x1000)):
        return True
    if blocks.size < 2 * _MD_RESERVED:
        return False
    first = blocks.size // 0x1000 * 0x1000 - 0x2000
    if _is_version_1(blocks.read(first, _MD_BYTES), first):
        return True
    last = blocks.size // _MD_RESERVED * _MD_RESERVED - _MD_RESERVED
    magic = blocks.read(last, 4)
    return _MD_MAGIC in {int.from_bytes(magic, "little"), int.from_bytes(magic, "big")}


def _is_version_1(data: bytes, at: int) -> bool:
    sector = int.from_bytes(data[_MD_SUPER_AT : _MD_SUPER_AT + 8], "little")
    return _MD.unpack_from(data) == (_MD_MAGIC, 1) and sector == at // 512


def _is_zfs(blocks: Blocks) -> bool:
    if blocks.size < _ZFS_LEAST:
        return False
    last = blocks.size // _ZFS_LABEL * _ZFS_LABEL
    found = 0
    for label in (0, _ZFS_LABEL, last - 2 * _ZFS_LABEL, last - _ZFS_LABEL):
        ring = blocks.read(label + _ZFS_FIRST, _ZFS_LABEL - _ZFS_FIRST)
        found += sum(ring.startswith(_ZFS_MAGICS, at) for at in range(0, len(ring), _ZFS_STEP))
    return found >= _ZFS_WANTED
