"""Inodes: what lstat(2) tells, and the two forks with content and extended attributes."""

from __future__ import annotations

import stat
import sys
from array import array
from enum import IntEnum
from struct import Struct
from typing import TYPE_CHECKING, NamedTuple

from amigate.disk.blocks import Extent, IncompleteError
from amigate.disk.crc32c import crc32c
from amigate.disk.inode_tree.ahead import folders_at
from amigate.disk.inode_tree.chunks import keep
from amigate.disk.inode_tree.walk import TYPE
from amigate.evidence.file_system import Inode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from amigate.disk.blocks import Blocks
    from amigate.disk.xfs.superblock import Superblock

CHUNK_LOG = 6
"""Inodes that are read, and kept, at once, as a power of two: as many as are made at once."""
_MASK = (1 << CHUNK_LOG) - 1
CORE = 176
"""Bytes before the forks."""
_MODE, _CHECKSUM = 2, 100
_VERSION = 3
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


_STATUS = Struct(">2sHBxxxII24xQ8xQ56xQ24xQ16s")
"""Magic, mode, version, uid, gid, mtime, size, flags2, number and uuid, as far as a core reaches."""
_unpack = _STATUS.unpack_from
_new = tuple.__new__
"""Makes a named tuple in a third of the time."""
_FORKS = Struct(">5xB18xQ44xIHBB6xH28xQ")
"""Format and (where there are many) count of extents of the content; count of its extents, count of those of the
attributes, where these begin behind the core in units of eight bytes, their format; flags and flags2."""


class Fork(NamedTuple):
    """Content or attributes of an inode."""

    format: int
    extents: int
    """How many there are."""
    data: bytes
    """What of it lies in the inode."""


_Chunk = tuple[bytes, "array[int]"]
"""Inodes that lie together, without their checksums; and these. A named tuple would take longer to be taken apart."""


class Node(NamedTuple):
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
        self._chunks: dict[int, _Chunk] = {}

    def lstat(self, number: int) -> Inode:
        """Return what is told of an inode; raises IncompleteError where it is damaged, or none is in use."""
        inodes, checksums = self._chunks.get(number >> CHUNK_LOG) or self._read(number >> CHUNK_LOG)
        index = number & _MASK
        raw = inodes[index << self._size_log : index + 1 << self._size_log]
        if crc32c(raw) != checksums[index]:
            raise IncompleteError(f"inode {number} is damaged: its checksum is wrong")
        magic, mode, version, uid, gid, mtime, size, flags, said, uuid = _unpack(raw)
        if said != number or uuid != self._uuid or version != _VERSION or magic != b"IN":
            raise IncompleteError(f"inode {number} is damaged: it belongs elsewhere")
        if mode & TYPE not in _TYPES or flags & _METADATA or size >> 63:
            raise IncompleteError(f"inode {number} is damaged: it is no file that is in use")
        mtime_ns = mtime - _BIGTIME_EPOCH_NS if flags & _BIGTIME else _nanoseconds(mtime)
        return _new(Inode, (mode, uid, gid, size, mtime_ns, number))

    def node(self, number: int) -> Node:
        """Return an inode with its forks."""
        return self.with_forks(self.lstat(number))

    def with_forks(self, inode: Inode) -> Node:
        """Return an inode that was just looked at with its forks."""
        number = inode.number
        at = (number & _MASK) << self._size_log
        inodes, _ = self._chunks[number >> CHUNK_LOG]
        content, many, extents, fewer, fork, attributes, flags, flags2 = _FORKS.unpack_from(inodes, at)
        begin, end = at + CORE, at + self._size
        middle = begin + fork * 8 if fork else end
        if fork and middle >= end:
            raise IncompleteError(f"inode {number} is damaged: its attributes begin outside it")
        if flags2 & _MANY_EXTENTS:
            # The count of extents of the attributes is wider too, and stands where that of the content does else.
            extents, fewer = many, extents
        return Node(
            inode,
            Fork(content, extents, inodes[begin:middle]),
            Fork(attributes, fewer, inodes[middle:end]) if fork else None,
            bool(flags & _REALTIME),
        )

    def folders(self, numbers: range) -> Iterator[tuple[bytes, int]]:
        """Yield the inodes of a table that are folders: bytes, and where in them one begins; nothing is checked."""
        for key in range(numbers.start >> CHUNK_LOG, (numbers.stop - 1 >> CHUNK_LOG) + 1):
            inodes, _ = self._chunks.get(key) or self._read(key)
            yield from ((inodes, index << self._size_log) for index in folders_at(inodes[_MODE :: self._size]))

    def prefetch(self, chunks: Iterable[int]) -> None:
        """Say which chunks will be read soon, by what the numbers of their inodes begin with."""
        wanted: list[Extent] = []
        for chunk in chunks:
            try:
                wanted.append(self._chunk(chunk))
            except IncompleteError:  # said when it is read
                continue
        self._blocks.prefetch(wanted)

    def _chunk(self, key: int) -> Extent:
        """Return where the inodes lie whose numbers begin with `key`; raises IncompleteError where there are none."""
        superblock = self._superblock
        per_group = superblock.group_log + superblock.inodes_log - CHUNK_LOG
        group, chunk = key >> per_group, key & (1 << per_group) - 1
        length = superblock.blocks_of(group) * superblock.block
        size = superblock.inode << CHUNK_LOG
        start = chunk * size
        if start >= length:
            raise IncompleteError(f"inodes from {key << CHUNK_LOG} lie outside their allocation group")
        offset = group * superblock.group_blocks * superblock.block + start
        return Extent(offset, min(size, length - start))

    def _read(self, key: int) -> _Chunk:
        """Read a chunk, and take the checksums out of its inodes: they were zeros when they were summed up."""
        where = self._chunk(key)
        # Where a group ends, none of what is missing has the checksum of an inode.
        raw = self._blocks.read(where.offset, where.length).ljust(self._size << CHUNK_LOG, b"\0")
        count = 1 << CHUNK_LOG
        inodes = bytearray(raw)
        for at in range(_CHECKSUM, _CHECKSUM + 4):
            inodes[at :: self._size] = bytes(count)
        checksums = array("I", raw)[_CHECKSUM // 4 :: self._size // 4]
        if sys.byteorder == "big":
            checksums.byteswap()
        chunk = (bytes(inodes), checksums)
        keep(self._chunks, key, chunk)
        return chunk


def _nanoseconds(classic: int) -> int:
    """Return what the older form of a time says: 32 bits of seconds, with a sign, and 32 of nanoseconds."""
    seconds = classic >> 32
    return (seconds - (seconds >> 31 << 32)) * 10**9 + (classic & 0xFFFFFFFF)
