"""The log: whether all that it holds is in its place already, as the kernel decides when it mounts.

A log is clean where its last record is that of an unmount (xlog_find_tail and xlog_check_unmount_rec in
fs/xfs/xfs_log_recover.c), or where its replay would write nothing but the superblock's counters, as after xfs_freeze(8)
(xfs_log_cover in fs/xfs/xfs_log.c). Any other is to be replayed before the file system says what it holds."""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, NamedTuple

from amigate.disk.blocks import IncompleteError, UnsupportedError
from amigate.disk.crc32c import crc32c, extended
from amigate.disk.xfs.log_head import HEADER_MAGIC, Log, find_head, last_header
from amigate.disk.xfs.superblock import BASIC_BLOCK

if TYPE_CHECKING:
    from collections.abc import Iterator

    from amigate.disk.blocks import Blocks
    from amigate.disk.xfs.superblock import Superblock

_ADVICE = "stop the machine, or freeze the file system (xfs_freeze -f), before its image is made"
_HEADER = Struct(">IIII II II I4xI 256s I16sI")
_CHECKSUM = 32
_CHECKED_SIZES = (328, 324)
"""Bytes of a record's header that its checksum covers: on 64 bits, and on 32 (the compiler's padding)."""
_FURTHER_HEADER = 260
"""As many of each further header: the cycle, and the first words of 64 blocks."""
_LITTLE_ENDIAN = 1
_PER_HEADER = 32 * 1024
"""Bytes of a record whose blocks' first words one header keeps."""
_MOST_BYTES = 256 * 1024
_MOST_RECORDS = 16
"""That may be replayed after a freeze, which writes two."""
_OPERATION = Struct(">IIBBxx")
_TRANSACTION = 0x69
_START, _COMMIT, _UNMOUNT = 0x01, 0x02, 0x20
_ITEM = Struct("<HHHHq")
_BUFFER = 0x123C
_BEGINNING = (0x5452414E).to_bytes(4, "little")


class _Record(NamedTuple):
    """A record: its header, and where it lies."""

    magic: int
    cycle: int
    version: int
    length: int
    """Bytes behind the headers."""
    at_cycle: int
    at: int
    """The block that it begins with."""
    tail_cycle: int
    tail: int
    """Where the oldest record began that was not in its place when this one was written."""
    checksum: int
    operations: int
    words: bytes
    """The first words of the blocks behind it, which hold the number of the cycle instead."""
    byte_order: int
    uuid: bytes
    size: int
    """Most bytes of a record of this log."""

    @property
    def headers(self) -> int:
        """Blocks of headers."""
        return max(1, -(-self.size // _PER_HEADER))

    @property
    def end(self) -> int:
        """The block after it, not wrapped."""
        return self.at + self.headers + -(-self.length // BASIC_BLOCK)


def require_clean(superblock: Superblock, blocks: Blocks) -> None:
    """Raise IncompleteError where the log is to be replayed or is damaged, UnsupportedError where it is elsewhere."""
    if not superblock.log_start:
        raise UnsupportedError("XFS with its log on another device is not read")
    start = superblock.block_at(superblock.log_start, superblock.log_blocks) * superblock.block
    log = Log(blocks, start, superblock.log_blocks * superblock.block // BASIC_BLOCK)
    head = find_head(log)
    last = _record(log, last_header(log, head), superblock)
    ends_there = last.end % log.size == head
    if not (ends_there and (_is_unmount(log, last) or _is_covered(log, last, superblock))):
        raise IncompleteError(f"the log of the XFS file system is not clean, its changes are not in place: {_ADVICE}")


def _record(log: Log, at: int, superblock: Superblock) -> _Record:
    record = _Record._make(_HEADER.unpack_from(log.read(at, 1)))
    if (record.magic, record.at, record.uuid) != (HEADER_MAGIC, at, superblock.uuid.bytes):
        raise IncompleteError("the log of the XFS file system is damaged: a record of it belongs elsewhere")
    if max(record.size, record.length) > _MOST_BYTES:
        raise IncompleteError("the log of the XFS file system is damaged: a record of it is too long")
    return record


def _is_unmount(log: Log, record: _Record) -> bool:
    """Whether a record is that of an unmount; mkfs.xfs(8) and xfs_repair(8) write one without a checksum."""
    flags = log.read(record.at + record.headers, 1)[9]
    return record.operations == 1 and bool(flags & _UNMOUNT) and (not record.checksum or _is_whole(log, record))


def _is_whole(log: Log, record: _Record) -> bool:
    """Whether the checksum of a record is right (xlog_cksum)."""
    header = log.read(record.at, 1)
    further = max(1, -(-record.length // _PER_HEADER)) - 1
    more = b"".join(log.read(record.at + 1 + number, 1)[:_FURTHER_HEADER] for number in range(further))
    data = log.read(record.at + record.headers, -(-record.length // BASIC_BLOCK))[: record.length]
    said = record.checksum.to_bytes(4, "big")
    starts = (header[:_CHECKSUM] + bytes(4) + header[_CHECKSUM + 4 : size] for size in _CHECKED_SIZES)
    return any(extended(crc32c(start + more), data).to_bytes(4, "little") == said for start in starts)


def _is_covered(log: Log, last: _Record, superblock: Superblock) -> bool:
    """Whether all that a replay would write is the superblock: the records from the tail to the last hold no more."""
    at = last.tail
    for _ in range(_MOST_RECORDS):
        if at >= log.size:
            return False
        record = _record(log, at, superblock)
        if not (_is_whole(log, record) and _holds_superblock_only(log, record)):
            return False
        if record.at == last.at:
            return True
        at = record.end % log.size
    return False


def _holds_superblock_only(log: Log, record: _Record) -> bool:
    """Whether a record is of whole transactions that change nothing but the superblock."""
    waiting = 0
    """Regions that belong to the item before them."""
    began = False
    for client, flags, region in _operations(log, record):
        if client != _TRANSACTION or flags not in {0, _START, _COMMIT}:
            return False
        if flags:
            if waiting or (flags == _COMMIT) != began or region:
                return False
            began = flags == _START
        elif not began:
            return False
        elif waiting:
            waiting -= 1
        elif not region.startswith(_BEGINNING):
            kind, regions, _, _, address = _ITEM.unpack_from(region) if len(region) >= _ITEM.size else (0,) * 5
            if kind != _BUFFER or address != 0 or not regions:
                return False
            waiting = regions - 1
    return not (waiting or began) and record.byte_order == _LITTLE_ENDIAN


def _operations(log: Log, record: _Record) -> Iterator[tuple[int, int, bytes]]:
    """Yield client, flags and region of the operations of a record; a client of 0 where they cannot be told."""
    length = min(record.length, _PER_HEADER)
    data = bytearray(log.read(record.at + record.headers, -(-length // BASIC_BLOCK)))
    for number in range(len(data) // BASIC_BLOCK):
        data[number * BASIC_BLOCK : number * BASIC_BLOCK + 4] = record.words[number * 4 : number * 4 + 4]
    at = 0
    for _ in range(record.operations):
        end = at + _OPERATION.size
        if end > length:
            yield 0, 0, b""
            return
        _, size, client, flags = _OPERATION.unpack_from(data, at)
        at = end + size
        if at > length:
            yield 0, 0, b""
            return
        yield client, flags, bytes(data[end:at])
