"""A volume together with the reader of its file system."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from amigate.disk.volumes.volume import State

if TYPE_CHECKING:
    from amigate.disk.reader import Reader
    from amigate.disk.volumes.volume import Volume

_NO_VOLUME = frozenset({"boot-area", "leftover", "lvm-header", "partition-table"})


@dataclass(frozen=True, kw_only=True, eq=False)
class Part:
    """A volume, and its file system where that is read."""

    volume: Volume
    reader: Reader | None = None

    @property
    def prefix(self) -> str:
        """What stands before a path within it where it is no part of the tree."""
        return f"[{self.volume.name}]"

    @property
    def is_partition(self) -> bool:
        """Whether it stands in a partition table."""
        return bool(self.volume.type)

    @property
    def is_logical(self) -> bool:
        """Whether LVM made it."""
        return bool(self.volume.uuid) and not self.is_partition

    @property
    def disk(self) -> str:
        """The name of the disk that it is on, or is; empty for what LVM made and for what is no volume."""
        if self.is_partition:
            return self.volume.name.rpartition("/")[0]
        return "" if self.is_logical or self.volume.kind in _NO_VOLUME else self.volume.name

    @property
    def may_hold_files(self) -> bool:
        """Whether there may be a file system in it that is not read."""
        return self.reader is None and self.volume.state not in {State.EXEMPT, State.READ}
