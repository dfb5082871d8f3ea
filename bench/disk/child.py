"""Walk a whole XFS image in this process, and in a child that gets its blocks over a socket; all in caches.

Needs root, mkfs.xfs(8) and a free loop device; run it under `unshare --mount`, so that no other process takes the mount
along."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import walking
from walk import mounted, populate

from amigate.disk.child.run import Work, in_child
from amigate.disk.raw import Raw

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

REPEATS = 15


def seconds(runs: Sequence[Callable[[], bytes]], expected: Sequence[bytes]) -> list[float]:
    """Return the median seconds of each run, done once before; in turn, as a busy machine slows all of them."""
    times: list[list[float]] = [[] for _ in runs]
    for _ in range(REPEATS + 1):
        for run, answer, each in zip(runs, expected, times, strict=True):
            started = time.perf_counter()
            assert run() == answer
            each.append(time.perf_counter() - started)
    return [statistics.median(each[1:]) for each in times]


def main() -> None:
    """Print seconds of both, and of a child that does nothing."""
    here = Path(__file__).parent
    with tempfile.TemporaryDirectory() as at:
        image, root = Path(at) / "image", Path(at) / "mount"
        root.mkdir()
        with image.open("wb") as file:
            file.truncate(1 << 30)
        subprocess.run(["mkfs.xfs", "-q", *sys.argv[1:], image], check=True)
        with mounted(image, root):
            entries = populate(root)
        expected = str(entries).encode("ascii")
        with Raw(image) as raw:
            alone, apart, start = seconds(
                [
                    lambda: walking.walk([raw], None),
                    lambda: in_child(Work(name="walking:walk", folder=here), [raw]).data,
                    lambda: in_child(Work(name="walking:nothing", folder=here), [raw]).data,
                ],
                [expected, expected, b""],
            )
    print(
        f"{entries} entries, seconds: in this process {alone:.3f}, in a child {apart:.3f} "
        f"(of which {start:.3f} to start and end it), ratio {apart / alone:.2f}, "
        f"without the start {(apart - start) / alone:.2f}"
    )


if __name__ == "__main__":
    main()
