"""Mutated images put to the whole witness at rest: none may hang it, end it, or be told as what it is not.

    python -m tests.contract.disk.fuzz [--seed 0] [--count 20000] [--only KIND] [--images FOLDER]

A mutant is the same for the same image and seed; `--images` keeps the images, and uses those that are there. Needs
root, which mounts what it fills. Ends with 1 where a mutant shows a bug."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.contract.disk.fuzz.figures import Figures
from tests.contract.disk.fuzz.kinds import KINDS, image_of
from tests.contract.disk.fuzz.pool import outcomes


def jobs_of(kinds: list[str], first: int, count: int) -> list[tuple[str, int]]:
    """Return kinds and seeds, each kind in turn."""
    return [(kinds[number % len(kinds)], first + number // len(kinds)) for number in range(count)]


def main() -> None:
    """Print each bug as it is found, and figures at the end."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0, help="of the first mutant of each kind")
    parser.add_argument("--count", type=int, default=20_000, help="mutants, all kinds together")
    parser.add_argument("--only", action="append", choices=KINDS, help="this kind; may be repeated")
    parser.add_argument("--images", type=Path, help="keep the images here, and use those that are there")
    given = parser.parse_args()
    kinds = given.only or list(KINDS)
    with tempfile.TemporaryDirectory() as temporary:
        folder: Path = given.images or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        for kind in kinds:
            image_of(kind, folder.resolve())
        figures, begun = Figures(), time.monotonic()
        for outcome in outcomes(folder.resolve(), jobs_of(kinds, given.seed, given.count)):
            figures.add(outcome)
            if outcome.result.is_bug:
                print(f"{outcome.result}: {outcome.kind} --seed {outcome.seed}\n{outcome.detail}", flush=True)
        print(figures.table())
        print(f"{given.count} mutants in {time.monotonic() - begun:.0f} s")
    sys.exit(bool(figures.bugs))


if __name__ == "__main__":
    main()
