"""Reading the disk at rest of an AMI while its instances boot."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from amigate.disk.budget import Budget
from amigate.errors import AmigateError
from amigate.evidence.model import View
from amigate.sources.disks import AtRest, look_at_snapshots

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Self

    from amigate.sources.aws import Aws


class DiskReading:
    """Reads in a thread of its own for as long as the context lasts; ends at once where that is left early."""

    def __init__(self, aws: Aws, snapshots: Sequence[str], progress: Callable[[str], None]) -> None:
        self._aws = aws
        self._snapshots = snapshots
        self._progress = progress
        self._stopped = threading.Event()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="disk at rest")
        self.budget = Budget()
        """What was asked of the EBS direct APIs."""
        self.span: tuple[float, float] | None = None
        """Begin and end of the reading, by time.monotonic(), once it came to its end."""

    def __enter__(self) -> Self:
        self._future = self._pool.submit(self._read)
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def result(self) -> AtRest:
        """Wait for what was seen; what AWS or the image does is in it."""
        try:
            return self._future.result()
        except AmigateError as error:
            return AtRest(view=View(broken=f"{error}{f' ({error.hint})' if error.hint else ''}"))

    def _read(self) -> AtRest:
        began = time.monotonic()
        found = look_at_snapshots(
            self._aws, self._snapshots, self.budget, cancelled=self._stopped.is_set, progress=self._progress
        )
        self.span = (began, time.monotonic())
        if not self._stopped.is_set():
            cost = f"{self.budget.blocks} blocks, about USD {self.budget.usd:.4f}"
            self._progress(f"the disk at rest {'could not be read' if found.view.broken else 'was read'}: {cost}")
        return found
