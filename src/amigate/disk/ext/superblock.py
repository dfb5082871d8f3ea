"""The superblock: geometry of the file system, and which features it uses."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from struct import Struct
from typing import TYPE_CHECKING, NamedTuple

from amigate.disk.blocks import IncompleteError, UnsupportedError
from amigate.disk.crc32c import crc32c
from amigate.disk.ext.features import Compatible, Incompatible, ReadOnly, kind, refuse

if TYPE_CHECKING:
    from amigate.disk.blocks import Blocks

AT, BYTES = 1024, 1024
_WHAT = "the superblock of the ext file system"
_RAW = Struct("<II12xII4xI4xI12x2sH16xI4xIH2xIII16s16s70xH16xII22xH4xI72xI32xBB")
_CHECKSUM, _BACKUPS, _SEED = 1020, 588, 624
_UNMOUNTED, _ERRORS = 1, 2
_CRC32C = 1
_LEAST_GROUP = 256
"""Blocks of a group; mke2fs(8) makes none smaller."""
_MOST_BLOCK_LOG = 16
_SMALL_INODE, _SMALL_DESCRIPTOR, _DESCRIPTOR = 128, 32, 64
_FIRST_INODE = 11


@dataclass(frozen=True, kw_only=True)
class Superblock:
    """What is where. Sizes are bytes unless their name says otherwise."""

    kind: str
    """`ext2`, `ext3` or `ext4`."""
    block: int
    block_log: int
    blocks: int
    """Of the whole file system."""
    first_block: int
    """Number of the block that the first group begins with."""
    group_blocks: int
    """Of each group but the last."""
    groups: int
    group_inodes: int
    inodes: int
    inode: int
    first_inode: int
    """The lowest number of an inode that is no part of the file system itself, the root aside."""
    descriptor: int
    reserved_descriptor_blocks: int
    first_meta_group: int
    backups: tuple[int, int]
    """Groups with a copy of the superblock, where sparse_super2 says so."""
    journal_inode: int
    compatible: int
    incompatible: int
    read_only: int
    seed: int | None
    """The CRC32C that all checksums of metadata go on from; None where there are none."""
    value_seed: int
    """The one that hashes of extended attributes go on from."""
    uuid: uuid.UUID
    label: str
    was_unmounted: bool
    has_errors: bool

    def blocks_of(self, group: int) -> int:
        """Return how many blocks a group has; raises IncompleteError where there is no such group."""
        if not 0 <= group < self.groups:
            raise IncompleteError(f"there is no block group {group}")
        return min(self.group_blocks, self.blocks - self.start_of(group))

    def start_of(self, group: int) -> int:
        """Return the first block of a group."""
        return self.first_block + group * self.group_blocks

    def require(self, block: int, count: int = 1) -> int:
        """Return `block`; raises IncompleteError unless content or metadata can lie in `count` blocks from there."""
        if block <= self.first_block or block + count > self.blocks:
            raise IncompleteError(f"block {block:#x} lies where nothing of a file can")
        return block


class _Raw(NamedTuple):
    """What of the superblock is read, as it lies there."""

    inodes: int
    blocks: int
    first_block: int
    block_log: int
    group_blocks: int
    group_inodes: int
    magic: bytes
    state: int
    revision: int
    first_inode: int
    inode: int
    compatible: int
    incompatible: int
    read_only: int
    uuid: bytes
    label: bytes
    reserved: int
    journal_inode: int
    journal_device: int
    descriptor: int
    first_meta_group: int
    blocks_high: int
    flex_log: int
    checksum_type: int


def read_superblock(blocks: Blocks) -> Superblock:
    """Return the superblock; raises UnsupportedError for what is not read, IncompleteError for what is damaged."""
    content = blocks.read(AT, BYTES) if blocks.size >= AT + BYTES else bytes(BYTES)
    raw = _Raw._make(_RAW.unpack_from(content))
    if raw.magic != b"\x53\xef":
        raise UnsupportedError("this is no ext2, ext3 or ext4 file system")
    if raw.revision > 1:
        raise UnsupportedError(f"revision {raw.revision} of the ext file system is not read")
    if raw.revision == 0:
        old = raw._replace(inode=_SMALL_INODE, first_inode=_FIRST_INODE)
        raw = old._replace(compatible=0, incompatible=0, read_only=0)
    refuse(raw.incompatible, raw.read_only)
    has_checksums = bool(raw.read_only & ReadOnly.METADATA_CSUM)
    if has_checksums and raw.checksum_type != _CRC32C:
        raise UnsupportedError(f"checksums of type {raw.checksum_type} of the ext4 file system are not read")
    if has_checksums and crc32c(content[:_CHECKSUM]) ^ 0xFFFFFFFF != int.from_bytes(content[_CHECKSUM:], "little"):
        raise IncompleteError(f"{_WHAT} is damaged: its checksum is wrong")
    seed = crc32c(raw.uuid)
    if raw.incompatible & Incompatible.CSUM_SEED:
        seed = int.from_bytes(content[_SEED : _SEED + 4], "little") ^ 0xFFFFFFFF
    return _sane(raw, blocks, seed, (_word(content, _BACKUPS), _word(content, _BACKUPS + 4)))


def _word(content: bytes, at: int) -> int:
    return int.from_bytes(content[at : at + 4], "little")


def _sane(raw: _Raw, blocks: Blocks, seed: int, backups: tuple[int, int]) -> Superblock:
    block_log = raw.block_log + 10
    count = raw.blocks
    descriptor = _SMALL_DESCRIPTOR
    if raw.incompatible & Incompatible.BITS_64:
        count |= raw.blocks_high << 32
        descriptor = raw.descriptor
    groups = -(-(count - raw.first_block) // raw.group_blocks) if raw.group_blocks else 0
    if not _is_sane(raw, descriptor, groups):
        raise IncompleteError(f"{_WHAT} is damaged: its geometry")
    if count << block_log > blocks.size:
        raise IncompleteError(f"the ext file system has {count << block_log} bytes, its device {blocks.size}")
    return Superblock(
        kind=kind(raw.compatible, raw.incompatible, raw.read_only),
        block=1 << block_log,
        block_log=block_log,
        blocks=count,
        first_block=raw.first_block,
        group_blocks=raw.group_blocks,
        groups=groups,
        group_inodes=raw.group_inodes,
        inodes=raw.inodes,
        inode=raw.inode,
        first_inode=raw.first_inode,
        descriptor=descriptor,
        reserved_descriptor_blocks=raw.reserved,
        first_meta_group=raw.first_meta_group,
        backups=backups,
        journal_inode=raw.journal_inode if raw.compatible & Compatible.HAS_JOURNAL else 0,
        compatible=raw.compatible,
        incompatible=raw.incompatible,
        read_only=raw.read_only,
        seed=seed if raw.read_only & ReadOnly.METADATA_CSUM else None,
        value_seed=seed,
        uuid=uuid.UUID(bytes=raw.uuid),
        label=raw.label.split(b"\0")[0].rstrip().decode("utf-8", "backslashreplace"),
        was_unmounted=bool(raw.state & _UNMOUNTED),
        has_errors=bool(raw.state & _ERRORS),
    )


def _is_sane(raw: _Raw, descriptor: int, groups: int) -> bool:
    """Whether sizes agree with each other and are ones that there are."""
    block_log = raw.block_log + 10
    return (
        block_log <= _MOST_BLOCK_LOG
        and raw.first_block == (block_log == 10)  # noqa: PLR2004 - 1 KiB, as the first holds a boot loader
        and groups > 0
        and _LEAST_GROUP <= raw.group_blocks <= 8 << block_log
        and 0 < raw.group_inodes <= 8 << block_log
        and raw.inodes == groups * raw.group_inodes
        and raw.inode.bit_count() == 1
        and _SMALL_INODE <= raw.inode <= 1 << block_log
        and raw.first_inode >= _FIRST_INODE
        and descriptor.bit_count() == 1
        and (descriptor == _SMALL_DESCRIPTOR or _DESCRIPTOR <= descriptor <= 1 << block_log)
    )
