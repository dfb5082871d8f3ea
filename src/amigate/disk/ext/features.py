"""What a file system of the ext family uses of the format, by the three words of bits in its superblock."""

from __future__ import annotations

from enum import IntFlag

from amigate.disk.blocks import UnsupportedError


class Compatible(IntFlag):
    """What a reader may overlook."""

    HAS_JOURNAL = 0x4
    SPARSE_SUPER2 = 0x200


class ReadOnly(IntFlag):
    """What a reader may overlook, and a writer may not."""

    SPARSE_SUPER = 0x1
    HUGE_FILE = 0x8
    GDT_CSUM = 0x10
    """Also called uninit_bg."""
    BIGALLOC = 0x200
    METADATA_CSUM = 0x400


class Incompatible(IntFlag):
    """What a reader has to know."""

    COMPRESSION = 0x1
    FILETYPE = 0x2
    RECOVER = 0x4
    """The journal is to be replayed."""
    JOURNAL_DEV = 0x8
    META_BG = 0x10
    EXTENTS = 0x40
    BITS_64 = 0x80
    MMP = 0x100
    FLEX_BG = 0x200
    EA_INODE = 0x400
    DIRDATA = 0x1000
    CSUM_SEED = 0x2000
    LARGE_DIR = 0x4000
    INLINE_DATA = 0x8000
    ENCRYPT = 0x10000
    CASEFOLD = 0x20000


_READ = int(
    Incompatible.FILETYPE
    | Incompatible.RECOVER
    | Incompatible.META_BG
    | Incompatible.EXTENTS
    | Incompatible.BITS_64
    | Incompatible.MMP
    | Incompatible.FLEX_BG
    | Incompatible.EA_INODE
    | Incompatible.CSUM_SEED
    | Incompatible.LARGE_DIR
    | Incompatible.INLINE_DATA
)
"""A plain number, as the complement of an IntFlag has no bits that it does not know."""


def refuse(incompatible: int, read_only: int) -> None:
    """Raise UnsupportedError that names the first feature that is not read."""
    for bit in range(32):
        if incompatible & ~_READ & 1 << bit:
            name = (Incompatible(1 << bit).name or "unknown").lower()
            raise UnsupportedError(f"ext4 feature {name} (incompatible bit {bit}) is not read")
    if read_only & ReadOnly.BIGALLOC:
        raise UnsupportedError("ext4 feature bigalloc (read-only bit 9) is not read")


def kind(compatible: int, incompatible: int, read_only: int) -> str:
    """Return which of the family it is, as libblkid's superblocks/ext.c tells them apart."""
    if incompatible & Incompatible.JOURNAL_DEV:
        return "jbd"
    if read_only & ~0x7 or incompatible & ~0x16:
        return "ext4"
    return "ext3" if compatible & Compatible.HAS_JOURNAL else "ext2"
