"""How long the witness at rest takes: by the EBS direct APIs where each block takes 15 ms, and from a file.

    python bench/disk/witness.py [--latency-ms 15] [--image FILE]

The disk is that of stock.py unless one is given. Beside each job over the network is what the same blocks take where
all of them are known from the start, and the latency alone; beside each job on the file, its seconds of processor."""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import stock
from ebs_server import BLOCK, Snapshot, client_of, served
from far import FarBlocks

from amigate.disk.blocks import Extent
from amigate.disk.budget import Budget
from amigate.disk.carve.scan import carve
from amigate.disk.ebs import CONCURRENCY, Ebs
from amigate.disk.raw import Raw
from amigate.disk.rehearsal import Rehearsal
from amigate.disk.volumes.survey import survey
from amigate.disk.volumes.volume import State, Volume
from amigate.disk.witness.inspect import opened_all, rehearse, tree_of
from amigate.evidence.at_rest import look
from amigate.evidence.questions import Search
from amigate.evidence.redaction.redactor import Redactor
from amigate.facts.catalogue import ALL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from amigate.disk.blocks import Blocks
    from amigate.disk.witness.files import Files
    from amigate.evidence.model import View
    from amigate.evidence.questions import Needs, Question

REPEATS = 3


class Noted:
    """`Blocks` of another device; which blocks of EBS are read or asked for ahead is noted, in order."""

    def __init__(self, blocks: Blocks) -> None:
        self._blocks = blocks
        self.size = blocks.size
        self.indexes: dict[int, None] = {}

    def read(self, offset: int, length: int) -> bytes:
        """Return some bytes."""
        self._note(Extent(offset, length))
        return self._blocks.read(offset, length)

    def prefetch(self, extents: Iterable[Extent]) -> None:
        """Pass it on."""
        wanted = list(extents)
        for each in wanted:
            self._note(each)
        self._blocks.prefetch(wanted)

    def written(self) -> Iterator[Extent]:
        """Yield what is written."""
        return self._blocks.written()

    def _note(self, extent: Extent) -> None:
        if extent.length > 0:
            self.indexes.update(dict.fromkeys(range(extent.offset // BLOCK, (extent.end - 1) // BLOCK + 1)))


def tree(disk: Blocks, needs: Sequence[Needs] = ()) -> tuple[Files, Rehearsal]:
    """Return the files of a disk, and what their lookups are rehearsed with."""
    rehearsal = Rehearsal()
    return tree_of(opened_all(survey([("disk", rehearsal.device(disk))])), needs, rehearsal), rehearsal


def without_search(need: Needs) -> Needs:
    """Return what a fact needs but for the search of all files."""

    def kept(questions: Iterable[Question]) -> Iterator[Question]:
        return (each for each in questions if not isinstance(each, Search))

    def then(view: View) -> Iterable[Question]:
        return kept(need.then(view)) if need.then else ()

    return replace(need, first=tuple(kept(need.first)), then=then)


def evidence(disk: Blocks) -> None:
    """Collect what all rules are judged by, without the search of all files and bytes."""
    needs = [without_search(need) for need in ALL]
    files, rehearsal = tree(disk, needs)
    view = look(files, needs, redactor=Redactor(), announce=partial(rehearse, rehearsal, files))
    assert not view.broken


def walk(disk: Blocks) -> None:
    """Look at every entry."""
    files, _ = tree(disk)
    assert sum(1 for _ in files.walk()) > 1
    assert not files.damage


def search(disk: Blocks) -> None:
    """Search all written bytes for secrets."""
    found = carve(Volume(name="disk", kind="unknown", state=State.READABLE, blocks=disk), Redactor().mac)
    assert not found.unseen


JOBS: dict[str, Callable[[Blocks], None]] = {
    "evidence, no search": evidence,
    "walk": walk,
    "search of all bytes": search,
}


@dataclass(frozen=True)
class Far:
    """The disk behind the EBS direct APIs."""

    port: int

    def run(self, job: Callable[[Blocks], None]) -> tuple[float, int, list[int]]:
        """Return seconds of a job with a new client, how many blocks were fetched, and which of them were asked for."""
        budget, begin = Budget(), time.perf_counter()
        with Ebs(client_of(self.port), "snap-0123456789abcdef0", budget=budget) as disk:
            noted = Noted(disk)
            job(noted)
            seconds = time.perf_counter() - begin
            written = {at for extent in disk.written() for at in range(extent.offset // BLOCK, extent.end // BLOCK)}
        return seconds, budget.blocks, [index for index in noted.indexes if index in written]

    def known(self, indexes: list[int]) -> float:
        """Return the seconds that these blocks take where they are known from the start."""

        def fetch(disk: Blocks) -> None:
            for at in range(0, len(indexes), CONCURRENCY):
                disk.prefetch(Extent(index * BLOCK, BLOCK) for index in indexes[at : at + 2 * CONCURRENCY])
                for index in indexes[at : at + CONCURRENCY]:
                    disk.read(index * BLOCK, BLOCK)

        return self.run(fetch)[0]


def far(port: int, latency_s: float) -> None:
    """Print the jobs over the network."""
    disk = Far(port)
    disk.run(lambda _: None)  # the first client loads botocore's model
    for name, job in JOBS.items():
        runs = [disk.run(job) for _ in range(REPEATS)]
        seconds, (_, blocks, indexes) = statistics.median(run[0] for run in runs), runs[0]
        known = statistics.median(disk.known(indexes) for _ in range(REPEATS))
        print(
            f"{name:20}{seconds:6.2f} s, {blocks} blocks, {blocks * BLOCK / seconds / 1e6:.0f} MB/s; "
            f"known from the start {known:.2f} s, ratio {seconds / known:.2f}; "
            f"latency alone {-(-blocks // CONCURRENCY) * latency_s:.2f} s"
        )


def near(image: Path) -> None:
    """Print the jobs on the file."""
    with Raw(image) as disk:
        size = sum(extent.length for extent in disk.written())
        for name, job in JOBS.items():
            show(name, size, lambda job=job: job(disk))  # type: ignore[misc]
        for name, job in {"evidence, no search": evidence, "walk": walk}.items():
            device = FarBlocks(image)
            job(device)
            print(
                f"{name:20}{device.seconds:6.2f} s of waiting alone for {device.units} blocks, "
                f"known from the start {device.ideal_seconds:.2f} s"
            )
    command = [sys.executable, "-m", "amigate", "validate", "--accept-partial", str(image)]
    show("amigate validate", size, lambda: subprocess.run(command, check=False, capture_output=True))


def show(name: str, size: int, run: Callable[[], object]) -> None:
    """Print the medians of a job."""
    walls, works = [], []
    for _ in range(REPEATS):
        wall, work = time.perf_counter(), sum(os.times()[:4])
        run()
        walls.append(time.perf_counter() - wall)
        works.append(sum(os.times()[:4]) - work)
    wall, work = statistics.median(walls), statistics.median(works)
    print(f"{name:20}{wall:6.2f} s from the file, {size / wall / 1e6:.0f} MB/s; processor {work:.2f} s")


def main() -> None:
    """Make the disk unless it is given, and print one line for each job."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--latency-ms", type=float, default=15)
    parser.add_argument("--image", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        image: Path = given.image or stock.make(Path(folder))
        with served(Snapshot.of_file(image), given.latency_ms / 1000) as port:
            far(port, given.latency_ms / 1000)
        near(image)


if __name__ == "__main__":
    main()
