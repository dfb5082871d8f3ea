"""The lists in a journal: which blocks follow, and what of what was written before does not count any more."""

from __future__ import annotations

from enum import IntFlag
from typing import TYPE_CHECKING, NamedTuple

from amigate.disk.blocks import IncompleteError
from amigate.disk.ext.journal_superblock import WHAT, Feature

if TYPE_CHECKING:
    from collections.abc import Iterator

HEADER = 12
"""Bytes that each block of lists begins with: magic, kind, sequence."""
_REVOKED_AT = 16
_UUID_BYTES = 16
TAIL = 4
"""Bytes of the checksum that a block of lists ends with."""


class Flag(IntFlag):
    """What is special about a block that follows."""

    ESCAPED = 1
    """Its first four bytes were the magic, and are zeros here."""
    SAME_UUID = 2
    DELETED = 4
    LAST = 8


class Tag(NamedTuple):
    """A block that follows."""

    target: int
    """Where on the device it belongs."""
    flags: int
    checksum: int


def tag_bytes(features: Feature) -> int:
    """Return how long a tag is (journal_tag_bytes in fs/jbd2/journal.c)."""
    if features & Feature.CSUM_V3:
        return 16
    size = 12 + (2 if features & Feature.CSUM_V2 else 0)
    return size if features & Feature.BITS_64 else size - 4


def tags(block: bytes, features: Feature) -> Iterator[Tag]:
    """Yield what a descriptor block says of those that follow it."""
    size = tag_bytes(features)
    end = len(block) - (TAIL if features & (Feature.CSUM_V2 | Feature.CSUM_V3) else 0)
    at = HEADER
    while at + size <= end:
        target = int.from_bytes(block[at : at + 4], "big")
        high_at = at + 8
        if features & Feature.CSUM_V3:
            flags = int.from_bytes(block[at + 4 : at + 8], "big")
            checksum = int.from_bytes(block[at + 12 : at + 16], "big")
        else:
            checksum = int.from_bytes(block[at + 4 : at + 6], "big")
            flags = int.from_bytes(block[at + 6 : at + 8], "big")
        if features & Feature.BITS_64:
            target |= int.from_bytes(block[high_at : high_at + 4], "big") << 32
        yield Tag(target, flags, checksum)
        if flags & Flag.LAST:
            return
        at += size + (0 if flags & Flag.SAME_UUID else _UUID_BYTES)


def revoked(block: bytes, features: Feature) -> list[int]:
    """Return the blocks of the device that a revoke block lists; raises IncompleteError where they do not fit."""
    width = 8 if features & Feature.BITS_64 else 4
    used = int.from_bytes(block[HEADER:_REVOKED_AT], "big")
    room = len(block) - (TAIL if features & (Feature.CSUM_V2 | Feature.CSUM_V3) else 0)
    if not _REVOKED_AT <= used <= room:
        raise IncompleteError(f"{WHAT} is damaged: a list of it does not fit into its block")
    return [int.from_bytes(block[at : at + width], "big") for at in range(_REVOKED_AT, used - width + 1, width)]
