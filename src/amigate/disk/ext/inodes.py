"""Inodes: what lstat(2) tells, and what is needed to read what they hold."""

from __future__ import annotations

import stat
import sys
from array import array
from enum import IntEnum
from struct import Struct
from typing import TYPE_CHECKING, NamedTuple

from amigate.disk.blocks import Extent, IncompleteError, UnsupportedError
from amigate.disk.crc32c import extended
from amigate.disk.ext.features import Incompatible
from amigate.disk.inode_tree.ahead import InodeTable, folders_at
from amigate.disk.inode_tree.chunks import keep
from amigate.disk.inode_tree.walk import TYPE
from amigate.evidence.file_system import Inode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from amigate.disk.ext.groups import Groups
    from amigate.disk.ext.metadata import Metadata

SMALL = 128
"""Bytes of an inode without fields behind those of ext2."""
ROOT = 2
_MOST_CHUNK_LOG = 6
"""Inodes that are read, and kept, at once, as a power of two: fewer where a group holds no multiple of so many."""
_LOW, _HIGH = 124, 130
"""Where the two halves of a checksum lie."""
_TYPES = frozenset({stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO, stat.S_IFSOCK})
_STATUS = Struct("<2HI8xi4x2H4xI64x4s4xI8xI4xH6xI")
"""Mode, uid, size, mtime, gid, links, flags, generation, high size, high ids as one; extra size and mtime's rest."""
_HIGH_END = 4
"""Least extra size with which the upper half of a checksum is there."""
_MTIME_END = 12
"""Least extra size with which mtime has more than seconds."""
_unpack = _STATUS.unpack_from
_new = tuple.__new__
"""Makes a named tuple in a third of the time."""
_NONE = array("I")
_TURNED = bytes(range(256))[::-1]
"""All bits of each byte turned around, as they are before a CRC32C is kept."""


class Flag(IntEnum):
    """What is special about a file; no IntFlag, which takes longer than to read an inode."""

    COMPRESSED = 0x4
    ENCRYPTED = 0x800
    INDEX = 0x1000
    EXTENTS = 0x80000
    EA_INODE = 0x200000
    """Holds the value of an extended attribute, and is no file."""
    INLINE = 0x10000000
    CASEFOLD = 0x40000000


_UNREAD = (Flag.COMPRESSED, Flag.ENCRYPTED, Flag.CASEFOLD)
_ANY_UNREAD = sum(_UNREAD)
_NO_FILE = int(Flag.EA_INODE)


_Chunk = tuple[bytes, "array[int]"]
"""Inodes that lie together, without their checksums; and these, each whole: with the last step of a CRC32C, which ext4
leaves out. No named tuple, which takes longer to be taken apart."""


class Node(NamedTuple):
    """An inode with all of its bytes, but those of its checksum."""

    inode: Inode
    flags: int
    raw: bytes

    @property
    def pointers(self) -> bytes:
        """The map of its content, or the content itself."""
        return self.raw[40:100]

    @property
    def identity(self) -> bytes:
        """What the checksums of its blocks begin with: number and generation."""
        return self.inode.number.to_bytes(4, "little") + self.raw[100:104]

    def require_read(self) -> None:
        """Raise UnsupportedError where what it holds is not read."""
        if self.flags & _ANY_UNREAD:
            names = ", ".join(flag.name.lower() for flag in _UNREAD if self.flags & flag)
            raise UnsupportedError(f"inode {self.inode.number} is {names}, which is not read")


class Inodes:
    """The inodes of a file system, read in chunks that are kept for a while."""

    def __init__(self, metadata: Metadata, groups: Groups) -> None:
        self._superblock = superblock = metadata.superblock
        self._blocks = metadata.blocks
        self._groups = groups
        self._size = superblock.inode
        self._seed = superblock.seed
        per_group = superblock.group_inodes
        self._log = min(_MOST_CHUNK_LOG, (per_group & -per_group).bit_length() - 1)
        self._mask = (1 << self._log) - 1
        self._first = superblock.first_inode
        self._large_folders = bool(superblock.incompatible & Incompatible.LARGE_DIR)
        self._chunks: dict[int, _Chunk] = {}

    def lstat(self, number: int, *, is_own: bool = False) -> Inode:
        """Return what is told of a file; raises IncompleteError where it is damaged, or none is in use.

        `is_own` for one that may be no file, but the file system's own."""
        key = number - 1 >> self._log
        inodes, checksums = self._chunks.get(key) or self._read(key)
        index = number - 1 & self._mask
        room = self._size
        raw = inodes[index * room : (index + 1) * room]
        mode, uid, size, mtime, gid, links, flags, generation, size_high, ids_high, extra, mtime_extra = _unpack(
            raw if room > SMALL else raw + bytes(SMALL)
        )
        if self._seed is not None:
            prefix = number.to_bytes(4, "little") + generation
            found = extended(self._seed, prefix + raw)
            if found != checksums[index] and not self._is_older(prefix, raw, extra, checksums[index]):
                raise IncompleteError(f"inode {number} is damaged: its checksum is wrong")
        if not is_own and (flags & _NO_FILE or (number < self._first and number != ROOT)):
            raise IncompleteError(f"inode {number} is damaged: it is the file system's own")
        if mode & TYPE not in _TYPES or not links or extra & 3 or SMALL + extra > room:
            raise IncompleteError(f"inode {number} is damaged: it is no file that is in use")
        if size_high and (mode & TYPE == stat.S_IFREG or self._large_folders):
            size |= size_high << 32
            if size_high >> 31:
                raise IncompleteError(f"inode {number} is damaged: its size cannot be")
        if ids_high:
            uid |= (ids_high & 0xFFFF) << 16
            gid |= ids_high >> 16 << 16
        mtime_ns = mtime * 10**9
        if mtime_extra and not 0 < extra < _MTIME_END:
            # The lowest bits say how many times 2^32 seconds it is later, those above them are nanoseconds.
            mtime_ns += ((mtime_extra & 3) << 32) * 10**9 + (mtime_extra >> 2)
        return _new(Inode, (mode, uid, gid, size, mtime_ns, number))

    def node(self, number: int) -> Node:
        """Return a file with what it holds."""
        return self.with_forks(self.lstat(number))

    def internal(self, number: int) -> Node:
        """Return an inode that may be no file but the file system's own."""
        return self.with_forks(self.lstat(number, is_own=True))

    def with_forks(self, inode: Inode) -> Node:
        """Return an inode that was just looked at with what it holds."""
        index = inode.number - 1
        at = (index & self._mask) * self._size
        raw = self._chunks[index >> self._log][0][at : at + self._size]
        return Node(inode, int.from_bytes(raw[32:36], "little"), raw)

    def chunks_of(self, numbers: Iterable[int]) -> set[int]:
        """Return which chunks inodes lie in."""
        log = self._log
        return {number - 1 >> log for number in numbers}

    def prefetch(self, chunks: Iterable[int]) -> None:
        """Say which chunks will be read soon."""
        wanted: list[Extent] = []
        for chunk in chunks:
            try:
                wanted.append(self._chunk(chunk))
            except IncompleteError:  # said when it is read
                continue
        self._blocks.prefetch(wanted)

    def tables(self) -> Iterator[InodeTable]:
        """Yield where inodes lie that may be in use."""
        for numbers in self._groups.tables():
            group = self._groups[(numbers.start - 1) // self._superblock.group_inodes]
            start = group.inode_table << self._superblock.block_log
            yield InodeTable(numbers, Extent(start, len(numbers) * self._size))

    def folders(self, numbers: range) -> Iterator[tuple[bytes, int]]:
        """Yield the inodes of a table that are folders: bytes, and where in them one begins; nothing is checked."""
        for key in range(numbers.start - 1 >> self._log, (numbers.stop - 2 >> self._log) + 1):
            inodes, _ = self._chunks.get(key) or self._read(key)
            yield from ((inodes, index * self._size) for index in folders_at(inodes[1 :: self._size]))

    def _is_older(self, prefix: bytes, raw: bytes, extra: int, said: int) -> bool:
        """Whether a checksum is right of which only the lower half is kept, as the inode has no room for the other."""
        assert self._seed is not None  # only asked where there are checksums
        if self._size > SMALL and extra >= _HIGH_END:
            return False
        if self._size > SMALL:
            raw = raw[:_HIGH] + (~said >> 16 & 0xFFFF).to_bytes(2, "little") + raw[_HIGH + 2 :]
        return (extended(self._seed, prefix + raw) ^ said) & 0xFFFF == 0

    def _chunk(self, key: int) -> Extent:
        """Return where inodes lie that are read at once; raises IncompleteError where there are none."""
        superblock = self._superblock
        group, index = divmod(key << self._log, superblock.group_inodes)
        if not 0 <= group < superblock.groups:
            raise IncompleteError(f"inode {(key << self._log) + 1} is damaged: there are no so many")
        offset = (self._groups[group].inode_table << superblock.block_log) + index * self._size
        return Extent(offset, self._size << self._log)

    def _read(self, key: int) -> _Chunk:
        """Read a chunk, and take the checksums out of its inodes: they were zeros when they were summed up."""
        where = self._chunk(key)
        raw = self._blocks.read(where.offset, where.length)
        if self._seed is None:
            chunk = (raw, _NONE)
        else:
            halves = (_LOW, _LOW + 1, *((_HIGH, _HIGH + 1) if self._size > SMALL else ()))
            inodes, packed = bytearray(raw), bytearray(4 << self._log)
            for number, at in enumerate(halves):
                packed[number::4] = raw[at :: self._size]
                inodes[at :: self._size] = bytes(1 << self._log)
            checksums = array("I", packed.translate(_TURNED))
            if sys.byteorder == "big":
                checksums.byteswap()
            chunk = (bytes(inodes), checksums)
        keep(self._chunks, key, chunk)
        return chunk
