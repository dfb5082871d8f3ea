"""Blocks of snapshots that somebody reads, made once and kept while the snapshot is there."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

from amigate.sandbox.blocks import Blocks

if TYPE_CHECKING:
    from pathlib import Path

_MOST = 32


class Shelf:
    """The snapshots read last; no more than 32, as each holds a file open."""

    def __init__(self, scratch: Path, most: int = _MOST) -> None:
        self._scratch = scratch
        self._most = most
        self._lock = threading.Lock()
        self._places: OrderedDict[str, _Place] = OrderedDict()

    def blocks(self, snapshot_id: str, disk: Path) -> Blocks:
        """Return the blocks of a snapshot; callers of one snapshot wait for each other, those of others do not."""
        with self._lock:
            place = self._places.setdefault(snapshot_id, _Place())
            self._places.move_to_end(snapshot_id)
            while len(self._places) > self._most:
                self._places.popitem(last=False)
        with place.lock:
            if place.blocks is None:
                place.blocks = Blocks(disk, self._scratch)
            return place.blocks

    def forget(self, snapshot_id: str) -> None:
        """Let a snapshot go that is not there any more."""
        with self._lock:
            self._places.pop(snapshot_id, None)


class _Place:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.blocks: Blocks | None = None
