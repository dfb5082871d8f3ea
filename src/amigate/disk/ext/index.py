"""Blocks of the index of a folder: trees of hashes, in blocks that look as if they held one entry that is not used.

All blocks of a folder are read, so that the index is not followed; which blocks are of it, and whether they are whole,
is told as get_dx_countlimit and ext4_dx_csum_verify do (fs/ext4/namei.c)."""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING

from amigate.disk.blocks import IncompleteError
from amigate.disk.ext.metadata import verify

if TYPE_CHECKING:
    from amigate.disk.ext.inodes import Node

_ENTRY = Struct("<IHBB")
LARGEST_PLAIN = 1 << 16
"""In blocks of so many bytes, the lowest two bits of a length are its highest."""
_SELF_BYTES = 12
_INFO = Struct("<IBB")
_INFO_AT, _INFO_BYTES = 24, 8
_COUNTS = Struct("<HH")
_ROOT_COUNTS_AT, _NODE_COUNTS_AT = 32, 8
_PAIR = 8
_TAIL = 8


def length_of(said: int, size: int) -> int:
    """Return the length of an entry in a block of `size` bytes (ext4_rec_len_from_disk in fs/ext4/ext4.h)."""
    if size < LARGEST_PLAIN:
        return said
    return LARGEST_PLAIN if said in {0, 0xFFFF} else said & 0xFFFC | (said & 3) << 16


def counts_at(block: bytes) -> int:
    """Return where a block of an index says how many pairs it holds, 0 where it is none."""
    size = len(block)
    number, length, _, _ = _ENTRY.unpack_from(block)
    if not number and length_of(length, size) == size:
        return _NODE_COUNTS_AT
    if length == _SELF_BYTES:
        _, parent_length, _, _ = _ENTRY.unpack_from(block, _SELF_BYTES)
        reserved, _, info = _INFO.unpack_from(block, _INFO_AT)
        if length_of(parent_length, size) == size - _SELF_BYTES and not reserved and info == _INFO_BYTES:
            return _ROOT_COUNTS_AT
    return 0


def verify_index(seed: int, node: Node, block: bytes, at: int, what: str) -> None:
    """Raise IncompleteError about `what` unless a block of an index is whole, whose counts lie `at`."""
    most, count = _COUNTS.unpack_from(block, at)
    tail = at + most * _PAIR
    if count > most or tail + _TAIL > len(block):
        raise IncompleteError(f"{what} is damaged: its index does not fit into it")
    said = int.from_bytes(block[tail + 4 : tail + _TAIL], "little")
    verify(seed, node.identity + block[: at + count * _PAIR] + block[tail : tail + 4] + bytes(4), said, what)
