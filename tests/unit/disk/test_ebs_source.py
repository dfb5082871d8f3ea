"""Snapshots read by the EBS direct APIs: what is fetched, when, and how often."""

from __future__ import annotations

import random
import threading
import time
from functools import partial
from typing import TYPE_CHECKING

import pytest

from amigate.disk.blocks import Extent, IncompleteError
from amigate.disk.budget import Budget
from amigate.disk.rehearsal import Rehearsal
from amigate.disk.stream import stream
from amigate.sandbox.fault import Error

if TYPE_CHECKING:
    from tests.unit.disk.conftest import Bed

BLOCK = 1 << 19
WRITTEN = [*range(0, 40, 2), *range(100, 300)]
REGION = "us-east-1"


def test_what_is_read_is_the_disk(bed: Bed) -> None:
    seed = random.Random(2)  # noqa: S311 - places of a disk
    with bed.open() as disk:
        assert disk.size == 1 << 30
        for _ in range(100):
            offset = seed.choice([*WRITTEN, 50, 99]) * BLOCK + seed.randrange(BLOCK)
            length = min(seed.choice([1, 4096, 700_000]), len(bed.content) - offset)
            assert disk.read(offset, length) == bed.content[offset : offset + length]
        with pytest.raises(IncompleteError):
            disk.read(disk.size - 10, 11)


def test_what_was_written_is_told_in_runs(bed: Bed) -> None:
    with bed.open() as disk:
        told = list(disk.written())
    runs = [(index, 1) for index in range(0, 40, 2)] + [(100, 200)]
    assert told == [Extent(first * BLOCK, count * BLOCK) for first, count in runs]


def test_what_was_never_written_is_not_fetched(bed: Bed) -> None:
    with bed.open() as disk:
        disk.prefetch([Extent(BLOCK, BLOCK), Extent(500 * BLOCK, 100 * BLOCK)])
        assert disk.read(BLOCK + 5, 1000) == bytes(1000)
        assert disk.read(500 * BLOCK, 10 * BLOCK) == bytes(10 * BLOCK)
    assert bed.asked("GetSnapshotBlock") == 0


def test_a_block_is_fetched_once_for_all_its_parts(bed: Bed) -> None:
    with bed.open() as disk:
        for offset in range(0, BLOCK, 8192):
            disk.read(offset, 8192)
    assert bed.asked("GetSnapshotBlock") == 1


def test_prefetched_blocks_are_fetched_at_the_same_time_and_once(bed: Bed) -> None:
    budget = Budget()
    with bed.fault("GetSnapshotBlock", times=None, delay_s=0.2), bed.open(budget=budget) as disk:
        disk.prefetch([Extent(100 * BLOCK, 16 * BLOCK)])
        begin = time.monotonic()
        for index in range(100, 116):
            disk.read(index * BLOCK + 7, 1)
        assert time.monotonic() - begin < 16 * 0.2 / 2
    assert (bed.asked("GetSnapshotBlock"), budget.blocks) == (16, 16)


def test_several_readers_of_a_block_share_it(bed: Bed) -> None:
    with bed.fault("GetSnapshotBlock", times=None, delay_s=0.1), bed.open() as disk:
        threads = [threading.Thread(target=disk.read, args=(0, 100)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert bed.asked("GetSnapshotBlock") == 1


def test_a_scan_reads_everything_once_and_pushes_nothing_out_of_the_cache(bed: Bed) -> None:
    with bed.open(cache_bytes=64 * BLOCK, concurrency=4) as disk:
        disk.read(0, 1)
        found = bytearray(len(bed.content))
        for offset, data in stream(disk, disk.written(), ahead=8):
            found[offset : offset + len(data)] = data
        assert bytes(found) == bed.content
        disk.read(0, 1)
    assert bed.asked("GetSnapshotBlock") == len(WRITTEN)


def test_the_cache_has_a_limit(bed: Bed) -> None:
    with bed.open(cache_bytes=10 * BLOCK, concurrency=5) as disk:
        disk.prefetch([Extent(0, disk.size)])
        for index in WRITTEN[:60]:
            disk.read(index * BLOCK, 1)
            assert len(disk._cache) + len(disk._ahead) <= 10
        disk.prefetch([Extent(0, disk.size)])
        disk.prefetch([Extent(100 * BLOCK, 50 * BLOCK)])
        assert len(disk._ahead) <= 10
        assert disk.read(149 * BLOCK, 5) == bed.content[149 * BLOCK : 149 * BLOCK + 5]


def test_a_budget_that_is_used_up_is_told(bed: Bed) -> None:
    budget = Budget(most_blocks=3)
    with bed.open(budget=budget) as disk:
        for index in (0, 2, 4):
            disk.read(index * BLOCK, 1)
        with pytest.raises(IncompleteError, match=r"budget of 3 blocks \(about USD 0\.0000\) is used up"):
            disk.read(6 * BLOCK, 1)
        assert disk.read(0, 1) == bed.content[:1]
    assert (budget.blocks, budget.requests, budget.usd) == (3, 4, 3 * 0.003 / 1000)


def test_a_rehearsal_fetches_at_the_same_time_and_fails_nothing_that_does_not_need_what_failed(bed: Bed) -> None:
    budget = Budget(most_blocks=6)
    with bed.open(budget=budget) as disk:
        rehearsal = Rehearsal()
        device = rehearsal.device(disk)
        chains = [(100, 110, 120), (101, 111), (1, 50, 102), (103, 113, 123, 133)]

        def follow(chain: tuple[int, ...]) -> bytes:
            return b"".join(device.read(index * BLOCK + 9, 4) for index in chain)

        rehearsal.run([partial(follow, chain) for chain in chains])
        assert budget.blocks == 6, "those that were never written are not fetched"
        assert follow(chains[1]) == b"".join(bed.content[index * BLOCK + 9 :][:4] for index in chains[1])
        with pytest.raises(IncompleteError, match="budget of 6 blocks"):
            follow(chains[3])
    assert bed.asked("GetSnapshotBlock") == 6


def test_a_block_that_cannot_be_had_in_a_rehearsal_is_told_to_whom_reads_it(bed: Bed) -> None:
    with bed.fault("GetSnapshotBlock", error=Error("AccessDeniedException"), times=None), bed.open() as disk:
        rehearsal = Rehearsal()
        device = rehearsal.device(disk)
        rehearsal.run([lambda: device.read(0, 4)])
        with pytest.raises(IncompleteError, match="belongs to another account"):
            device.read(0, 4)
