"""What reading snapshots costs is counted, and limited."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from amigate.disk.blocks import IncompleteError
from amigate.disk.budget import Budget


def test_blocks_and_requests_are_counted() -> None:
    budget = Budget()
    for _ in range(2000):
        budget.take_block()
    budget.take_request()
    assert (budget.blocks, budget.requests, round(budget.usd, 6)) == (2000, 2001, 0.006)


def test_no_more_than_allowed_from_any_thread() -> None:
    budget = Budget(most_blocks=50)

    def take(_: int) -> bool:
        try:
            budget.take_block()
        except IncompleteError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(take, range(500))) == 50
    with pytest.raises(IncompleteError, match=r"budget of 50 blocks .* allow more"):
        budget.take_block()
