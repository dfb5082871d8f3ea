"""The journal: what would be written to the device if it were mounted, as the kernel decides it.

As do_one_pass in fs/jbd2/recovery.c: transactions from the oldest on, for as long as each is whole and is the next.
What is to be replayed stays where it is in the journal, and is read in place of the blocks that it belongs to."""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, NamedTuple

from amigate.disk.blocks import IncompleteError
from amigate.disk.crc32c import extended
from amigate.disk.ext.journal_superblock import ADVICE, MAGIC, WHAT, Feature
from amigate.disk.ext.journal_tags import TAIL, Flag, Tag, revoked, tags
from amigate.disk.ext.metadata import ONES, verify

if TYPE_CHECKING:
    from amigate.disk.ext.journal_superblock import Journal

_HEADER = Struct(">III")
_DESCRIPTOR, _COMMIT, _REVOKE = 1, 2, 5
_COMMIT_CHECKSUM = 16
_FAST_TAG = Struct("<HHII")
_FAST_HEAD = 9


class Copy(NamedTuple):
    """A block of the device, as the journal has it."""

    place: int
    """Where on the device it lies."""
    is_escaped: bool
    """Whether its first four bytes are the magic, in place of which there are zeros."""


class _Pending(NamedTuple):
    """What a transaction says up to where it was read."""

    blocks: list[tuple[int, Tag]]
    """Blocks of the journal, and what they are."""
    revoked: list[int]


def replay(journal: Journal) -> dict[int, Copy]:
    """Return which blocks of the device are to be read elsewhere.

    Raises IncompleteError where what the kernel would do cannot be told."""
    transactions = _transactions(journal)
    _require_no_fast_commit(journal, journal.sequence + len(transactions))
    last_revoked = {block: index for index, each in enumerate(transactions) for block in each.revoked}
    found: dict[int, Copy] = {}
    blocks = journal.nodes.metadata.superblock.blocks
    for index, transaction in enumerate(transactions):
        for block, tag in transaction.blocks:
            if last_revoked.get(tag.target, -1) >= index:
                continue
            if tag.target >= blocks or tag.flags & Flag.DELETED:
                raise IncompleteError(f"{WHAT} is damaged: it holds what belongs nowhere")
            _verify_copy(journal, journal.sequence + index, block, tag)
            found[tag.target] = Copy(journal.place(block), bool(tag.flags & Flag.ESCAPED))
    return found


def _transactions(journal: Journal) -> list[_Pending]:
    """Return the transactions that are whole, the oldest first."""
    found: list[_Pending] = []
    pending = _Pending([], [])
    at, left = journal.start, journal.end - journal.first
    while at and left > 0:
        block = journal.read(at)
        magic, kind, sequence = _HEADER.unpack_from(block)
        if magic != MAGIC or sequence != journal.sequence + len(found) & ONES:
            break
        at, left = journal.after(at), left - 1
        if kind == _DESCRIPTOR:
            _verify_list(journal, block)
            for tag in tags(block, journal.features):
                pending.blocks.append((at, tag))
                at, left = journal.after(at), left - 1
        elif kind == _REVOKE:
            _verify_list(journal, block)
            pending.revoked.extend(revoked(block, journal.features))
        elif kind == _COMMIT:
            _verify_commit(journal, block)
            found.append(pending)
            pending = _Pending([], [])
        else:
            break
    if left < 0:
        raise IncompleteError(f"{WHAT} is damaged: it has no end")
    if at < journal.start and journal.features & Feature.FAST_COMMIT:
        # Kernels do not agree about where such a ring ends (`wrap` in recovery.c).
        raise IncompleteError(f"{WHAT} may hold fast commits and goes round, so that it is not replayed: {ADVICE}")
    return found


def _verify_list(journal: Journal, block: bytes) -> None:
    verify(journal.seed, block[:-TAIL] + bytes(TAIL), int.from_bytes(block[-TAIL:], "big"), f"a list of {WHAT}")


def _verify_commit(journal: Journal, block: bytes) -> None:
    whole = block[:_COMMIT_CHECKSUM] + bytes(4) + block[_COMMIT_CHECKSUM + 4 :]
    said = int.from_bytes(block[_COMMIT_CHECKSUM : _COMMIT_CHECKSUM + 4], "big")
    verify(journal.seed, whole, said, f"the end of a transaction of {WHAT}")


def _verify_copy(journal: Journal, sequence: int, block: int, tag: Tag) -> None:
    if journal.seed is None:
        return
    found = extended(journal.seed, (sequence & ONES).to_bytes(4, "big") + journal.read(block)) ^ ONES
    if found != tag.checksum and (journal.features & Feature.CSUM_V3 or found & 0xFFFF != tag.checksum):
        raise IncompleteError(f"{WHAT} is damaged: the checksum of a block in it is wrong")


def _require_no_fast_commit(journal: Journal, expected: int) -> None:
    """Raise IncompleteError where changes follow that are kept in a shorter form, which is not read."""
    if not journal.features & Feature.FAST_COMMIT:
        return
    kind, _, _, sequence = _FAST_TAG.unpack_from(journal.read(journal.end + 1))
    is_older = kind == _FAST_HEAD and (sequence - expected & ONES) >> 31
    if kind and not is_older:
        raise IncompleteError(f"{WHAT} holds fast commits, which are not replayed: {ADVICE}")
