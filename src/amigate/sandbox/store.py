"""The disks behind snapshots, and behind volumes that no machine has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amigate.sandbox.machines import disks

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class Store:
    """Snapshot or volume to disk file; a file made here goes with it, a file given by the user stays."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.when_forgotten: list[Callable[[str], None]] = []
        """What else is told that a snapshot is gone."""
        self._disks: dict[str, Path] = {}

    @property
    def folder(self) -> Path:
        """Where files of this run are."""
        return self._folder

    def adopt(self, snapshot_id: str, disk: Path) -> None:
        """Let a snapshot stand for a file of the user's."""
        self._disks[snapshot_id] = disk.resolve()

    def copy(self, new_id: str, disk: disks.Layers, size_bytes: int = 0) -> None:
        """Make a self-contained copy of a disk that nobody writes to, as large as is said at least."""
        out = self._file(new_id)
        disks.copy(disk, out, size_bytes)
        self._disks[new_id] = out

    def make(self, new_id: str, size_bytes: int) -> None:
        """Make a disk of zeros."""
        out = self._file(new_id)
        disks.empty(out, size_bytes)
        self._disks[new_id] = out

    def disk(self, known_id: str) -> Path:
        """Return the file behind a snapshot or volume; KeyError if there is none."""
        return self._disks[known_id]

    def forget(self, known_id: str) -> None:
        """Drop a snapshot or volume, and its file if it was made here."""
        disk = self._disks.pop(known_id, None)
        if disk is not None and disk.parent == self._folder:
            disk.unlink(missing_ok=True)
        for tell in self.when_forgotten:
            tell(known_id)

    def _file(self, new_id: str) -> Path:
        return self._folder / f"{new_id}.qcow2"
