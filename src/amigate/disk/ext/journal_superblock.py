"""Where a journal lies, and how what it holds is written down.

As jbd2 has it (include/linux/jbd2.h, https://docs.kernel.org/filesystems/ext4/journal.html). Numbers are big-endian."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from enum import IntFlag
from struct import Struct
from typing import TYPE_CHECKING, NamedTuple

from amigate.disk.blocks import IncompleteError, UnsupportedError
from amigate.disk.crc32c import crc32c
from amigate.disk.ext.mapping import runs
from amigate.disk.ext.metadata import verify_alone

if TYPE_CHECKING:
    from collections.abc import Sequence

    from amigate.disk.ext.nodes import ExtNodes
    from amigate.disk.inode_tree.runs import Run

MAGIC = 0xC03B3998
WHAT = "the journal of the ext file system"
ADVICE = "stop the machine, or freeze the file system (fsfreeze -f), before its image is made"
_VERSION_1, _VERSION_2 = 3, 4
_SUPERBLOCK = Struct(">III IIIIII III 16s")
_BYTES, _CHECKSUM, _CHECKSUM_TYPE, _FAST_BLOCKS = 1024, 252, 80, 84
_CRC32C = 4
_DEFAULT_FAST_BLOCKS = 256
_CHECKSUMMED = 1
"""The only compatible feature: checksums of whole transactions, as older kernels made them."""


class Feature(IntFlag):
    """What has to be known of how the journal is written."""

    REVOKE = 0x1
    BITS_64 = 0x2
    ASYNC_COMMIT = 0x4
    CSUM_V2 = 0x8
    CSUM_V3 = 0x10
    FAST_COMMIT = 0x20


_READ = int(sum(Feature))
"""A plain number, as the complement of an IntFlag has no bits that it does not know."""


class _Raw(NamedTuple):
    magic: int
    kind: int
    own_sequence: int
    block: int
    blocks: int
    first: int
    sequence: int
    start: int
    error: int
    compatible: int
    incompatible: int
    read_only: int
    uuid: bytes


@dataclass(frozen=True, kw_only=True)
class Journal:
    """A journal; its blocks are counted from its own beginning."""

    nodes: ExtNodes
    first: int
    """The block that the ring of transactions begins with."""
    end: int
    """The first block behind the ring; those of fast commits may follow."""
    start: int
    """Where the oldest transaction begins; 0 where there is none."""
    sequence: int
    """The number of the oldest transaction."""
    features: Feature
    seed: int | None
    """The CRC32C that checksums go on from; None where there are none."""
    has_error: bool
    _runs: Sequence[Run]

    def place(self, block: int) -> int:
        """Return where on the device, in blocks, a block lies."""
        at = bisect_right(self._runs, block, key=lambda run: run.logical) - 1
        run = self._runs[at] if at >= 0 else None
        if run is None or block >= run.end:
            raise IncompleteError(f"{WHAT} is damaged: block {block} of it is not there")
        return run.start + block - run.logical

    def read(self, block: int) -> bytes:
        """Return a block."""
        return self.nodes.metadata.block(self.place(block))

    def after(self, block: int) -> int:
        """Return the next block of the ring."""
        return block + 1 if block + 1 < self.end else self.first


def open_journal(nodes: ExtNodes) -> Journal:
    """Return the journal of a file system that is to be recovered; raises UnsupportedError for what is not read."""
    superblock = nodes.metadata.superblock
    if not superblock.journal_inode:
        raise UnsupportedError(
            "an ext file system that is to be recovered from a journal on another device is not read"
        )
    found = list(runs(nodes.metadata, nodes.internal(superblock.journal_inode)))
    if not found or found[0].logical or not all(run.is_written for run in found):
        raise IncompleteError(f"{WHAT} is damaged: there is a hole in it")
    content = nodes.metadata.block(found[0].start)[:_BYTES]
    raw = _Raw._make(_SUPERBLOCK.unpack_from(content))
    if raw.kind == _VERSION_1:
        raw = raw._replace(compatible=0, incompatible=0, read_only=0)
    if raw.magic != MAGIC or raw.kind not in {_VERSION_1, _VERSION_2} or raw.block != superblock.block:
        raise IncompleteError(f"{WHAT} is damaged: it has no superblock")
    has_checksums = _has_checksums(raw, content)
    fast = 0
    if raw.incompatible & Feature.FAST_COMMIT:
        fast = int.from_bytes(content[_FAST_BLOCKS : _FAST_BLOCKS + 4], "big") or _DEFAULT_FAST_BLOCKS
    end = raw.blocks - fast
    if not 0 < raw.first < end or raw.blocks > found[-1].end or not (raw.first <= raw.start < end or not raw.start):
        raise IncompleteError(f"{WHAT} is damaged: its geometry")
    return Journal(
        nodes=nodes,
        first=raw.first,
        end=end,
        start=raw.start,
        sequence=raw.sequence,
        features=Feature(raw.incompatible),
        seed=crc32c(raw.uuid) if has_checksums else None,
        has_error=bool(raw.error),
        _runs=found,
    )


def _has_checksums(raw: _Raw, content: bytes) -> bool:
    """Whether there are checksums; raises UnsupportedError or IncompleteError for a journal that is not replayed."""
    unknown = raw.incompatible & ~_READ
    if unknown or raw.read_only:
        raise UnsupportedError(f"features {unknown:#x} and {raw.read_only:#x} of the ext journal are not read")
    if raw.compatible & _CHECKSUMMED or raw.incompatible & Feature.ASYNC_COMMIT:
        raise IncompleteError(f"{WHAT} is not empty, and is of a kind that is not replayed: {ADVICE}")
    if not raw.incompatible & (Feature.CSUM_V2 | Feature.CSUM_V3):
        return False
    is_both = raw.incompatible & Feature.CSUM_V2 and raw.incompatible & Feature.CSUM_V3
    if content[_CHECKSUM_TYPE] != _CRC32C or is_both:
        raise UnsupportedError("checksums of the ext journal are of a kind that is not read")
    whole = content[:_CHECKSUM] + bytes(4) + content[_CHECKSUM + 4 :]
    verify_alone(whole, int.from_bytes(content[_CHECKSUM : _CHECKSUM + 4], "big"), WHAT)
    return True
