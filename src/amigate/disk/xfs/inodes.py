"""Inodes: what lstat(2) tells, and the two forks with content and extended attributes."""

from __future__ import annotations

import stat
from contextlib import suppress
from dataclasses import dataclass
from enum import IntEnum
from struct import Struct
from typing import TYPE_CHECKING, NamedTuple

from amigate.disk.blocks import Extent, IncompleteError
from amigate.disk.xfs.checksum import verify
from amigate.disk.xfs.metadata import CHUNK, CHUNK_LOG, keep
from amigate.evidence.file_system import Inode

if TYPE_CHECKING:
    from collections.abc import Iterable

    from amigate.disk.blocks import Blocks
    from amigate.disk.xfs.superblock import Superblock

CORE = 176
"""Bytes before the forks."""
_CHECKSUM = 100
_REALTIME = 1 << 0
_BIGTIME, _MANY_EXTENTS, _METADATA = 1 << 3, 1 << 4, 1 << 5
_BIGTIME_EPOCH_NS = (1 << 31) * 10**9
"""How long before 1970 the count of nanoseconds begins."""
_TYPES = frozenset({stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO, stat.S_IFSOCK})


class Format(IntEnum):
    """How a fork holds what it holds."""

    DEVICE = 0
    LOCAL = 1
    EXTENTS = 2
    BTREE = 3


class _Core(NamedTuple):
    """The part of an inode before its forks, without what is not read."""

    magic: bytes
    mode: int
    version: int
    format: int
    uid: int
    gid: int
    many_extents: int
    """Of the content, where `_MANY_EXTENTS` is set."""
    mtime: int
    size: int
    extents: int
    attribute_extents: int
    fork: int
    """Where the attributes begin behind the core, in units of eight bytes; 0 where there are none."""
    attribute_format: int
    flags: int
    flags2: int
    number: int
    uuid: bytes


_CORE = Struct(">2sHBBxxII8xQ8xQ8xQ12xIHBB6xH28xQ24xQ16s")


@dataclass(frozen=True, kw_only=True)
class Fork:
    """Content or attributes of an inode."""

    format: int
    extents: int
    """How many there are."""
    data: bytes
    """What of it lies in the inode."""


@dataclass(frozen=True, kw_only=True)
class Node:
    """An inode with its forks."""

    inode: Inode
    content: Fork
    attributes: Fork | None
    is_realtime: bool


class Inodes:
    """The inodes of a file system, read in chunks that are kept for a while."""

    def __init__(self, superblock: Superblock, blocks: Blocks) -> None:
        self._superblock = superblock
        self._blocks = blocks
        self._uuid = superblock.metadata_uuid
        self._size = superblock.inode
        self._size_log = superblock.inode_log
        self.chunk_log = CHUNK_LOG - superblock.inode_log
        """Inodes of a chunk, as a power of two."""
        self._mask = (1 << self.chunk_log) - 1
        self._chunks: dict[int, bytes] = {}

    def lstat(self, number: int) -> Inode:
        """Return what lstat(2) tells of an inode; raises IncompleteError where it is damaged."""
        return _lstat(self._core(number)[0])

    def node(self, number: int) -> Node:
        """Return an inode with its forks."""
        core, raw = self._core(number)
        literal = raw[CORE:]
        many = core.flags2 & _MANY_EXTENTS
        fork = core.fork * 8 or len(literal)
        if fork > len(literal) or (core.fork and not literal[fork:]):
            raise IncompleteError(f"inode {number} is damaged: its attributes begin outside it")
        attributes = Fork(
            format=core.attribute_format,
            # Where there are many extents of content, both counts stand elsewhere, and wider.
            extents=core.extents if many else core.attribute_extents,
            data=literal[fork:],
        )
        return Node(
            inode=_lstat(core),
            content=Fork(
                format=core.format, extents=core.many_extents if many else core.extents, data=literal[:fork]
            ),
            attributes=attributes if core.fork else None,
            is_realtime=bool(core.flags & _REALTIME),
        )

    def prefetch(self, chunks: Iterable[int]) -> None:
        """Say which chunks will be read soon, by what the numbers of their inodes begin with."""
        wanted: list[Extent] = []
        for chunk in chunks:
            with suppress(IncompleteError):
                wanted.append(self._chunk(chunk))
        self._blocks.prefetch(wanted)

    def _chunk(self, key: int) -> Extent:
        """Return where the inodes lie whose numbers begin with `key`; raises IncompleteError where there are none."""
        superblock = self._superblock
        per_group = superblock.group_log + superblock.inodes_log - self.chunk_log
        group, chunk = key >> per_group, key & (1 << per_group) - 1
        length = superblock.blocks_of(group) * superblock.block
        start = chunk << CHUNK_LOG
        if start >= length:
            raise IncompleteError(f"inodes from {key << self.chunk_log} lie outside their allocation group")
        offset = group * superblock.group_blocks * superblock.block + start
        return Extent(offset, min(CHUNK, length - start))

    def _core(self, number: int) -> tuple[_Core, bytes]:
        """Return the core of an inode that is in use and whole, and all of it."""
        key = number >> self.chunk_log
        chunk = self._chunks.get(key)
        if chunk is None:
            where = self._chunk(key)
            chunk = self._blocks.read(where.offset, where.length)
            keep(self._chunks, key, chunk)
        at = (number & self._mask) << self._size_log
        raw = chunk[at : at + self._size]
        if len(raw) != self._size:
            raise IncompleteError(f"inode {number} lies outside its allocation group")
        core = _Core._make(_CORE.unpack_from(raw))
        if core.magic != b"IN" or core.version != 3:  # noqa: PLR2004 - the version itself
            raise IncompleteError(f"inode {number} is damaged: there is no inode")
        verify(raw, _CHECKSUM, f"inode {number}")
        if core.number != number or core.uuid != self._uuid:
            raise IncompleteError(f"inode {number} is damaged: it belongs elsewhere")
        if core.mode & 0o170000 not in _TYPES or core.flags2 & _METADATA or core.size >> 63:
            raise IncompleteError(f"inode {number} is damaged: it is no file that is in use")
        return core, raw


def _lstat(core: _Core) -> Inode:
    if core.flags2 & _BIGTIME:
        mtime_ns = core.mtime - _BIGTIME_EPOCH_NS
    else:
        seconds = core.mtime >> 32
        mtime_ns = (seconds - (seconds >> 31 << 32)) * 10**9 + (core.mtime & 0xFFFFFFFF)
    return Inode(
        mode=core.mode, uid=core.uid, gid=core.gid, size=core.size, mtime_ns=mtime_ns, number=core.number
    )
