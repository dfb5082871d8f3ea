"""A snapshot, by the EBS direct APIs, read by a child that has neither network nor credentials."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from amigate.disk.blocks import IncompleteError
from amigate.disk.budget import Budget
from amigate.disk.child.run import Work, in_child

if TYPE_CHECKING:
    from tests.unit.disk.conftest import Bed

BLOCK = 1 << 19
WRITTEN = [*range(0, 40, 2), *range(100, 300)]
FOLDER = Path(__file__).parents[2] / "contract/disk"


def test_a_child_reads_all_that_is_written_each_block_once(bed: Bed) -> None:
    with bed.open() as disk:
        found = in_child(Work(name="child_work:written", folder=FOLDER), [disk]).data
    expected = b"".join(bed.content[index * BLOCK : (index + 1) * BLOCK] for index in WRITTEN)
    assert found == hashlib.sha256(expected).digest()
    assert bed.asked("GetSnapshotBlock") == len(WRITTEN)


def test_what_a_child_asks_for_ahead_is_fetched_at_the_same_time(bed: Bed) -> None:
    budget = Budget()
    work = Work(name="child_work:ahead", argument=WRITTEN[:64], folder=FOLDER)
    with bed.open(budget=budget) as disk:
        assert in_child(work, [disk]).data == bytes(bed.content[index * BLOCK] for index in WRITTEN[:64])
    assert budget.blocks == 64


def test_a_budget_that_is_used_up_is_told_to_the_child_and_by_it(bed: Bed) -> None:
    with (
        bed.open(budget=Budget(most_blocks=5)) as disk,
        pytest.raises(IncompleteError, match=r"^the budget of 5 blocks .* is used up"),
    ):
        in_child(Work(name="child_work:written", folder=FOLDER), [disk])
