"""A volume of an image, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from amigate.disk.blocks import Blocks


class State(StrEnum):
    """What becomes of a volume. The last two leave open what it holds, so a verdict cannot be a pass."""

    READABLE = "readable"
    """Holds a file system that is read, and was not read yet."""
    READ = "read"
    EXEMPT = "exempt"
    """Holds no files, or none of a machine's users. Its written blocks are searched all the same."""
    UNSUPPORTED = "unsupported"
    INCOMPLETE = "incomplete"


@dataclass(frozen=True, kw_only=True)
class Volume:
    """A partition, a logical volume, a whole disk without partitions, or a stretch outside of all of them."""

    name: str
    """`DISK/p1`, `GROUP/VOLUME`, `DISK`, or `DISK@OFFSET` for a stretch outside; two groups of one name repeat it."""
    kind: str
    """What it holds, as blkid(8) calls it (`ext4`, `xfs`, `swap`, `LVM2_member` …); else `empty`, `unknown`,
    `boot-area`, `partition-table`, `lvm-header` or `leftover`."""
    state: State
    reason: str = ""
    """Why it is not read, or what is noteworthy; a sentence without a full stop."""
    type: str = ""
    """Of a partition: its type GUID in lower case, or `0x83`."""
    uuid: str = ""
    """Of the partition or logical volume, not of what it holds."""
    label: str = ""
    """Of the partition."""
    blocks: Blocks | None = None
    """Its bytes; None where none could be found, and of a physical volume, whose bytes are those of other volumes.

    All volumes together are all bytes of the disks that are not zero, each once unless volumes overlap."""
