"""What reading snapshots may cost, and what it has cost so far."""

from __future__ import annotations

import threading

from amigate.disk.blocks import IncompleteError

USD_PER_BLOCK = 0.003 / 1000
"""Of GetSnapshotBlock in us-east-1 (https://aws.amazon.com/ebs/pricing/); a page of a list costs a fifth of it."""


class Budget:
    """Counts what is asked of the EBS direct APIs; one for all snapshots of a run, from any thread."""

    def __init__(self, most_blocks: int | None = None) -> None:
        """Allow so many blocks to be fetched, None for any number."""
        self.most_blocks = most_blocks
        self.blocks = 0
        """Fetched, or being fetched; one that had to be fetched again counts again."""
        self.requests = 0
        self._lock = threading.Lock()

    @property
    def usd(self) -> float:
        """About what the blocks cost, in US dollars."""
        return self.blocks * USD_PER_BLOCK

    @property
    def spent(self) -> dict[str, float]:
        """What was used, as a report says it."""
        return {"ebs_blocks": self.blocks, "ebs_requests": self.requests, "ebs_usd": round(self.usd, 6)}

    def take_request(self) -> None:
        """Count a request that costs next to nothing."""
        with self._lock:
            self.requests += 1

    def take_block(self) -> None:
        """Count a block before it is fetched; raises IncompleteError where that is one too many."""
        with self._lock:
            if self.most_blocks is not None and self.blocks >= self.most_blocks:
                raise IncompleteError(
                    f"the budget of {self.most_blocks} blocks (about USD {self.usd:.4f}) is used up, "
                    "so the rest of the snapshot was not read; allow more"
                )
            self.blocks += 1
            self.requests += 1
