"""What a volume holds, and what that means for reading it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from amigate.disk.blocks import UnsupportedError
from amigate.disk.readers import READERS
from amigate.disk.stream import is_zero
from amigate.disk.volumes import tables
from amigate.disk.volumes.signatures import recognise
from amigate.disk.volumes.volume import State

if TYPE_CHECKING:
    from amigate.disk.blocks import Blocks

LVM = "LVM2_member"
_SWAP = frozenset({"swap", "swsuspend"})
_REASONS = {
    "BitLocker": "it is encrypted (BitLocker)",
    "LVM1_member": "LVM1 is not read",
    "bcache": "it is part of a bcache device, which is not read",
    "crypto_LUKS": "it is encrypted (LUKS)",
    "linux_raid_member": "it is part of a Linux software RAID, which is not read",
    "zfs_member": "ZFS is not read",
}

BOOT_TYPES = frozenset({"21686148-6449-6e6f-744e-656564454649", "9e1a2d38-c612-4316-aa26-8b49521e5a8b", "0x41"})
"""BIOS boot partition, and PReP boot by either table: a boot loader as such."""


@dataclass(frozen=True, kw_only=True)
class Contents:
    """What was found in a volume."""

    kind: str
    state: State
    reason: str = ""


def look(blocks: Blocks, partition_type: str = "") -> Contents:
    """Tell what a partition, a logical volume or a disk without partitions holds; damage is said, not raised.

    The type of a partition exempts it only together with what is in it: no file system is passed over for its type."""
    try:
        kinds = recognise(blocks) or (_unrecognised(blocks),)
    except OSError as error:
        return failed(error)
    kind = kinds[0]
    if len(kinds) > 1:
        reason = f"it looks like {' and '.join(kinds)} at once"
        return Contents(kind=kind, state=State.UNSUPPORTED, reason=reason)
    if kind in READERS or kind == LVM:
        return Contents(kind=kind, state=State.READABLE)
    exempt = _exemption(kind, partition_type)
    if exempt:
        return Contents(kind=kind, state=State.EXEMPT, reason=exempt)
    return Contents(kind=kind, state=State.UNSUPPORTED, reason=_REASONS.get(kind, _why_not(kind)))


def failed(error: OSError, kind: str = "unknown") -> Contents:
    """Return what an error in looking means."""
    state = State.UNSUPPORTED if isinstance(error, UnsupportedError) else State.INCOMPLETE
    return Contents(kind=kind, state=state, reason=str(error))


def _unrecognised(blocks: Blocks) -> str:
    if is_zero(blocks):
        return "empty"
    return "partition-table" if tables.find(blocks) else "unknown"


def _exemption(kind: str, partition_type: str) -> str:
    if kind == "empty":
        return "it holds nothing but zeros"
    if kind in _SWAP:
        return "swap holds no files; its written blocks are searched"
    if kind == "unknown" and partition_type in BOOT_TYPES:
        return "a boot partition holds a boot loader and no files; its written blocks are searched"
    return ""


def _why_not(kind: str) -> str:
    if kind == "unknown":
        return "it holds nothing that is known"
    if kind == "partition-table":
        return "it holds partitions of its own, which are not read"
    return f"{kind} is not read"
