"""The superblock: geometry of the file system, and which features it uses."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from struct import Struct
from typing import TYPE_CHECKING, NamedTuple

from amigate.disk.blocks import IncompleteError, UnsupportedError
from amigate.disk.xfs.checksum import verify

if TYPE_CHECKING:
    from amigate.disk.blocks import Blocks

BASIC_BLOCK = 512
"""Bytes of the unit in which addresses on the device and blocks of the log are counted."""
_WHAT = "the superblock of the XFS file system"
_VERSION = 5
_SECTORS = {1 << log for log in range(9, 16)}
_LEAST_GROUP = 1 << 20
"""Bytes of a group; mkfs.xfs(8) makes none below 16 MiB."""
_RAW = Struct(">4sIQ 16x 16s QQ 20x II 4x I HHH xx 12s BxBBB xB 65x B 23x I 28x 16s")
_CHECKSUM = 224
_FTYPE, _META_UUID, _NEEDSREPAIR = 1 << 0, 1 << 2, 1 << 4
_READ = 0xFF
"""The incompatible features that are read: ftype, sparse inodes, meta_uuid, bigtime, needsrepair (refused as damage),
nrext64, exchange-range, parent pointers."""
_NAMED = {8: "metadir (metadata directory tree)", 9: "zoned (zoned real-time device)", 10: "zone gaps"}


@dataclass(frozen=True, kw_only=True)
class Superblock:
    """What is where. Sizes are bytes unless their name says otherwise."""

    block: int
    block_log: int
    blocks: int
    """Of the whole file system."""
    group_blocks: int
    """Of each allocation group but the last."""
    group_log: int
    """Bits of a block's number that count within its group."""
    groups: int
    group_headers: int
    """Blocks that each group begins with, and that hold its headers."""
    sector: int
    inode: int
    inode_log: int
    inodes_log: int
    """How many inodes a block holds, as a power of two."""
    folder_block: int
    root: int
    log_start: int
    """Number of the first block of the log; 0 where it lies on another device."""
    log_blocks: int
    uuid: uuid.UUID
    metadata_uuid: bytes
    """What every piece of metadata is stamped with."""
    label: str
    has_types: bool
    """Whether entries of folders hold the type of file."""

    def blocks_of(self, group: int) -> int:
        """Return how many blocks a group has; raises IncompleteError where there is no such group."""
        if not 0 <= group < self.groups:
            raise IncompleteError(f"there is no allocation group {group}")
        return min(self.group_blocks, self.blocks - group * self.group_blocks)

    def block_at(self, number: int, count: int = 1) -> int:
        """Return where on the device, in blocks, lies what metadata calls block `number`, and `count` from there."""
        group, block = number >> self.group_log, number & ((1 << self.group_log) - 1)
        if block < self.group_headers or block + count > self.blocks_of(group):
            raise IncompleteError(f"block {number:#x} lies where nothing of a file can")
        return group * self.group_blocks + block


class _Raw(NamedTuple):
    """What of the superblock is read, as it lies there."""

    magic: bytes
    block: int
    blocks: int
    uuid: bytes
    log_start: int
    root: int
    group_blocks: int
    groups: int
    log_blocks: int
    version: int
    sector: int
    inode: int
    label: bytes
    block_log: int
    inode_log: int
    inodes_log: int
    group_log: int
    unfinished: int
    folder_log: int
    incompatible: int
    metadata_uuid: bytes


def read_superblock(blocks: Blocks) -> Superblock:
    """Return the superblock; raises UnsupportedError for what is not read, IncompleteError for what is damaged."""
    start = blocks.read(0, BASIC_BLOCK) if blocks.size >= BASIC_BLOCK else bytes(BASIC_BLOCK)
    raw = _Raw._make(_RAW.unpack_from(start))
    if raw.magic != b"XFSB":
        raise UnsupportedError("this is no XFS file system")
    if raw.version & 15 != _VERSION:
        raise UnsupportedError(f"XFS version {raw.version & 15} is not read: it has no checksums, as version 5 has")
    if raw.sector not in _SECTORS or raw.sector > blocks.size:
        raise IncompleteError(f"{_WHAT} is damaged: its sector size")
    verify(blocks.read(0, raw.sector), _CHECKSUM, _WHAT)
    _refuse(raw.incompatible)
    if not _is_sane(raw):
        raise IncompleteError(f"{_WHAT} is damaged: its geometry")
    if raw.blocks * raw.block > blocks.size:
        raise IncompleteError(f"the XFS file system has {raw.blocks * raw.block} bytes, its device {blocks.size}")
    return Superblock(
        block=raw.block,
        block_log=raw.block_log,
        blocks=raw.blocks,
        group_blocks=raw.group_blocks,
        group_log=raw.group_log,
        groups=raw.groups,
        group_headers=-(-4 * raw.sector // raw.block),
        sector=raw.sector,
        inode=raw.inode,
        inode_log=raw.inode_log,
        inodes_log=raw.inodes_log,
        folder_block=raw.block << raw.folder_log,
        root=raw.root,
        log_start=raw.log_start,
        log_blocks=raw.log_blocks,
        uuid=uuid.UUID(bytes=raw.uuid),
        metadata_uuid=raw.metadata_uuid if raw.incompatible & _META_UUID else raw.uuid,
        label=raw.label.split(b"\0")[0].decode("utf-8", "backslashreplace"),
        has_types=bool(raw.incompatible & _FTYPE),
    )


def _is_sane(raw: _Raw) -> bool:
    """Whether sizes agree with each other and are ones that there are."""
    return (
        raw.block_log in range(9, 17)
        and raw.block == 1 << raw.block_log >= raw.sector
        and raw.inode_log in range(8, 12)
        and raw.inode == 1 << raw.inode_log <= raw.block
        and raw.inodes_log == raw.block_log - raw.inode_log
        and raw.block_log + raw.folder_log in range(9, 17)
        and raw.groups > 0
        and raw.group_blocks * raw.block >= _LEAST_GROUP
        and raw.group_blocks <= 1 << raw.group_log < 2 * raw.group_blocks
        and raw.group_blocks * (raw.groups - 1) < raw.blocks <= raw.group_blocks * raw.groups
        and not raw.unfinished
    )


def _refuse(incompatible: int) -> None:
    for bit in range(32):
        if incompatible & ~_READ & 1 << bit:
            raise UnsupportedError(f"XFS feature {_NAMED.get(bit, 'unknown')} (incompatible bit {bit}) is not read")
    if incompatible & _NEEDSREPAIR:
        raise IncompleteError("the XFS file system says of itself that it needs xfs_repair(8)")
