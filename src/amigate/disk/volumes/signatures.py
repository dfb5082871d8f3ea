"""What a volume holds, told by magic numbers.

Offsets, magics and names are those of libblkid (util-linux, libblkid/src/superblocks/). What libblkid looks for and
this does not know ends as `unknown`, which is unsupported: nothing is taken for empty because it is rare."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from amigate.disk.blocks import Extent
from amigate.disk.ext import features
from amigate.disk.volumes import raid_signatures

if TYPE_CHECKING:
    from collections.abc import Callable

    from amigate.disk.blocks import Blocks

_HEAD_BYTES = 69_632
"""Up to the last magic below, of reiserfs and btrfs at 64 KiB."""
_PAGES = (0x1000, 0x2000, 0x4000, 0x8000, 0x10000)
"""Page sizes: a swap area ends its first page with its magic."""
_SWAP = (b"SWAP-SPACE", b"SWAPSPACE2")
_EXT_AT = 1024
_SHOWN_BYTES = 1 << 19
"""So much of either end of a volume tells what it is, of ZFS too."""


@dataclass(frozen=True)
class Magic:
    """Bytes that tell what a volume holds."""

    kind: str
    offset: int
    magic: bytes
    confirm: Callable[[bytes], bool] = lambda _: True
    """Of the first bytes of the volume: whether that is what they mean, for a magic that is short."""


def _ext(head: bytes) -> bool:
    """Whether the block size and the first block of a superblock of ext2, ext3 or ext4 can be."""
    first, log_block = struct.unpack_from("<2I", head, _EXT_AT + 20)
    return bool(first <= 1 and log_block <= 6)  # noqa: PLR2004 - 64 KiB


def _fat(head: bytes) -> bool:
    """Whether a boot sector describes a FAT; the words `FAT16` and the like are not always in it."""
    sector, cluster, reserved, tables = struct.unpack_from("<HBHB", head, 11)
    sizes = sector in {512, 1024, 2048, 4096} and cluster.bit_count() == 1
    return bool(sizes and reserved > 0 and tables > 0 and (head[21] == 0xF0 or head[21] >= 0xF8))  # noqa: PLR2004 - media


def _minix(head: bytes) -> bool:
    """Whether inode and block counts of a minix superblock can be."""
    inodes, _, inode_maps, zone_maps, first = struct.unpack_from("<5H", head, _EXT_AT)
    return bool(inodes > 0 and 0 < inode_maps <= 64 and 0 < zone_maps <= 64 and first > 0)  # noqa: PLR2004


def _nilfs(head: bytes) -> bool:
    """Whether revision and length of a nilfs superblock can be."""
    revision, _, _, length = struct.unpack_from("<IHHH", head, _EXT_AT)
    return bool(revision == 2 and 0 < length <= 1024)  # noqa: PLR2004 - bounds of the format


MAGICS = (
    Magic("crypto_LUKS", 0, b"LUKS\xba\xbe"),
    Magic("crypto_LUKS", 0x4000, b"SKUL\xba\xbe"),
    Magic("BitLocker", 0, b"\xeb\x58\x90-FVE-FS-"),
    Magic("xfs", 0, b"XFSB"),
    Magic("ext", _EXT_AT + 56, b"\x53\xef", _ext),
    Magic("btrfs", 0x10040, b"_BHRfS_M"),
    Magic("squashfs", 0, b"hsqs"),
    Magic("squashfs", 0, b"sqsh"),
    Magic("erofs", 1024, b"\xe2\xe1\xf5\xe0"),
    Magic("ntfs", 3, b"NTFS    "),
    Magic("exfat", 3, b"EXFAT   "),
    Magic("ReFS", 0, b"\0\0\0ReFS\0"),
    Magic("vfat", 510, b"\x55\xaa", _fat),
    Magic("bcache", 4096 + 24, bytes.fromhex("c68573f64e1a45ca8265f57f48ba6d81")),
    Magic("bcachefs", 4096 + 24, bytes.fromhex("c68573f666ce90a9d96a60cf803df7ef")),
    Magic("f2fs", 1024, b"\x10\x20\xf5\xf2"),
    Magic("iso9660", 0x8001, b"CD001"),
    Magic("udf", 0x8001, b"BEA01"),
    Magic("jfs", 0x8000, b"JFS1"),
    Magic("reiserfs", 0x10034, b"ReIsEr"),
    Magic("reiser4", 0x10000, b"ReIsEr4"),
    Magic("nilfs2", 1024 + 6, b"\x34\x34", _nilfs),
    Magic("hfsplus", 1024, b"H+\0\x04"),
    Magic("hfsplus", 1024, b"HX\0\x05"),
    Magic("apfs", 32, b"NXSB"),
    Magic("ufs", 8192 + 1372, b"\x19\x01\x54\x19"),
    Magic("ufs", 65536 + 1372, b"\x19\x01\x54\x19"),
    Magic("gfs2", 0x10000, b"\x01\x16\x19\x70"),
    Magic("ocfs2", 8192, b"OCFSV2"),
    Magic("cramfs", 0, b"\x45\x3d\xcd\x28"),
    Magic("romfs", 0, b"-rom1fs-"),
    Magic("LVM1_member", 0, b"HM\x01\0"),
    Magic("LVM1_member", 0, b"HM\x02\0"),
    Magic("DM_snapshot_cow", 0, b"SnAp"),
    Magic("DM_verity_hash", 0, b"verity\0\0"),
    Magic("DM_integrity", 0, b"integrt\0"),
    Magic("vdo", 0, b"dmvdo001"),
    Magic("stratis", 512 + 4, b"!Stra0tis\x86\xff\x02^\x41rh"),
    Magic("ceph_bluestore", 0, b"bluestore block device"),
    *(Magic("swap", page - 10, magic) for page in _PAGES for magic in _SWAP),
    *(Magic("swsuspend", page - 10, m) for page in _PAGES for m in (b"S1SUSPEND", b"S2SUSPEND", b"LINHIB0001")),
    *(Magic("LVM2_member", sector + 24, b"LVM2 001") for sector in (0, 512, 1024, 1536)),
    *(Magic("minix", _EXT_AT + 16, magic, _minix) for magic in (b"\x7f\x13", b"\x8f\x13", b"\x68\x24", b"\x78\x24")),
)


def swap_header_bytes(blocks: Blocks) -> int:
    """Return the size of the header of a volume of swap, a page of the machine that made it.

    Raises IncompleteError where its start cannot be read."""
    head = blocks.read(0, min(_HEAD_BYTES, blocks.size))
    return next((page for page in _PAGES if head[page - 10 : page] in _SWAP), _PAGES[0])


def telling(extent: Extent) -> tuple[Extent, Extent]:
    """Return where a volume shows what it is: its start, and its end."""
    length = min(_SHOWN_BYTES, max(extent.length, 0))
    return Extent(extent.offset, length), Extent(extent.end - length, length)


def recognise(blocks: Blocks) -> tuple[str, ...]:
    """Return all that a volume shows itself as, nothing where no magic is known, in no particular order.

    More than one kind is damage or deceit: who reads it by one of them may read what a machine does not.
    Raises IncompleteError where its start cannot be read."""
    head = blocks.read(0, min(_HEAD_BYTES, blocks.size)).ljust(_HEAD_BYTES, b"\0")
    found = [each.kind for each in MAGICS if head.startswith(each.magic, each.offset) and each.confirm(head)]
    kinds = [_ext_version(head) if kind == "ext" else kind for kind in found]
    raid = raid_signatures.recognise(blocks, head)
    return tuple(dict.fromkeys([raid, *kinds] if raid else kinds))


def _ext_version(head: bytes) -> str:
    return features.kind(*struct.unpack_from("<3I", head, _EXT_AT + 92))
