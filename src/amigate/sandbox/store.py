"""The disks behind snapshots."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amigate.sandbox.machines import disks

if TYPE_CHECKING:
    from pathlib import Path


class Store:
    """Snapshot to disk file; a file made here goes with its snapshot, a file given by the user stays."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._disks: dict[str, Path] = {}

    def adopt(self, snapshot_id: str, disk: Path) -> None:
        """Let a snapshot stand for a file of the user's."""
        self._disks[snapshot_id] = disk.resolve()

    def copy(self, snapshot_id: str, disk: Path) -> None:
        """Make a self-contained copy of a disk that nobody writes to."""
        out = self._folder / f"{snapshot_id}.qcow2"
        disks.copy(disk, out)
        self._disks[snapshot_id] = out

    def disk(self, snapshot_id: str) -> Path:
        """Return the file behind a snapshot; KeyError if there is none."""
        return self._disks[snapshot_id]

    def forget(self, snapshot_id: str) -> None:
        """Drop a snapshot, and its file if it was made here."""
        disk = self._disks.pop(snapshot_id, None)
        if disk is not None and disk.parent == self._folder:
            disk.unlink(missing_ok=True)
