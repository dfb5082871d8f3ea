"""A partition table, of whichever format."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from amigate.disk.blocks import Extent


@dataclass(frozen=True, kw_only=True)
class Partition:
    """An entry of a partition table; where it lies is as found, and may be beyond the end of the disk."""

    number: int
    extent: Extent
    type: str
    """Type GUID in lower case, or `0x83`."""
    uuid: str = ""
    label: str = ""


@dataclass(frozen=True, kw_only=True)
class Table:
    """The partitions of a disk."""

    partitions: tuple[Partition, ...]
    own: tuple[Extent, ...]
    """Where the table itself lies, after the boot area."""
    note: str = ""
    """What is wrong with it, though all of it could be read."""
    damage: str = ""
    """Why there may be partitions that are not among these."""
