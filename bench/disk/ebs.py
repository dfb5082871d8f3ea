"""How long a snapshot takes to read by the EBS direct APIs where each block takes 15 ms, beside what could be at best.

The server is that of ebs_server.py. At best is the latency times the rounds that so many connections need; what comes
on top is the work of client and server, on the same machine."""

from __future__ import annotations

import argparse
import statistics
import time
from typing import TYPE_CHECKING

from ebs_server import BLOCK, Snapshot, client_of, served

from amigate.disk.blocks import Extent
from amigate.disk.budget import Budget
from amigate.disk.ebs import CONCURRENCY, Ebs
from amigate.disk.stream import stream

if TYPE_CHECKING:
    from collections.abc import Callable

BLOCKS = 1782
"""Written blocks, as a small Debian image has them."""
SOME = 150
"""Blocks of a walk over metadata and small files."""
REPEATS = 5


def walk(disk: Ebs) -> None:
    """Read a little of blocks that lie apart, fetched ahead."""
    places = [Extent(index * BLOCK + 4096, 4096) for index in range(0, SOME * 11, 11)]
    disk.prefetch(places)
    for place in places:
        disk.read(place.offset, place.length)


def walk_unplanned(disk: Ebs) -> None:
    """Read the same, one after the other."""
    for index in range(0, SOME * 11, 11):
        disk.read(index * BLOCK + 4096, 4096)


def scan(disk: Ebs) -> None:
    """Read everything in order."""
    for _ in stream(disk, disk.written()):
        pass


JOBS: dict[str, tuple[Callable[[Ebs], None], int, int]] = {
    "list": (lambda _: None, 0, 0),
    "150 blocks, fetched ahead": (walk, SOME, CONCURRENCY),
    "150 blocks, one by one": (walk_unplanned, SOME, 1),
    "everything, in order": (scan, BLOCKS, CONCURRENCY),
}


def measure(port: int, job: Callable[[Ebs], None]) -> tuple[float, Budget]:
    """Return seconds of a job with a new client, and what was asked."""
    client = client_of(port)
    budget = Budget()
    begin = time.perf_counter()
    with Ebs(client, "snap-0123456789abcdef0", budget=budget) as disk:
        job(disk)
    return time.perf_counter() - begin, budget


def main() -> None:
    """Print one line for each job: median, at best, and what was asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--latency-ms", type=float, default=15)
    latency_s = parser.parse_args().latency_ms / 1000
    with served(Snapshot.noise(BLOCKS), latency_s) as port:
        measure(port, lambda _: None)  # the first client loads botocore's model
        for name, (job, blocks, at_once) in JOBS.items():
            runs = [measure(port, job) for _ in range(REPEATS)]
            seconds = statistics.median(run[0] for run in runs)
            best = -(-blocks // at_once) * latency_s if at_once else 0
            budget = runs[0][1]
            print(
                f"{name:28}{seconds:7.2f} s   at best {best:5.2f} s   {budget.blocks:5} blocks, "
                f"{budget.requests:5} requests, USD {budget.usd:.4f}"
            )


if __name__ == "__main__":
    main()
