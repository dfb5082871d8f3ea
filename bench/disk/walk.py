"""Walk a whole image as amigate reads it, beside os.scandir and lstat(2) over the kernel's mount of the same image.

    unshare --mount python bench/disk/walk.py KIND [options of mkfs.KIND]

Needs root, mkfs of `ext2`, `ext3`, `ext4` or `xfs`, and a free loop device; run it under `unshare --mount`, so that no
other process takes the mount along. CPU seconds of this process and of the kernel for it, all in caches."""

from __future__ import annotations

import os
import stat
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from far import FarBlocks

from amigate.disk.blocks import Extent, IncompleteError
from amigate.disk.readers import open_reader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

FOLDERS = 3_000
FILES = 10
"""In each folder, with one link more."""
REPEATS = 9


class FileBlocks:
    """A device that is a file."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb", buffering=0)
        self.size = path.stat().st_size

    def read(self, offset: int, length: int) -> bytes:
        """Return some bytes."""
        if offset + length > self.size:
            raise IncompleteError("beyond the end of the device")
        return os.pread(self._file.fileno(), length, offset)

    def prefetch(self, extents: Iterable[Extent]) -> None:
        """All of it is here already."""

    def written(self) -> Iterator[Extent]:
        """Yield the whole device."""
        yield Extent(0, self.size)


def walk_of_kernel(root: Path) -> Iterator[tuple[str, os.stat_result]]:
    """Yield path and status of every entry below a folder."""
    waiting = [str(root)]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                status = entry.stat(follow_symlinks=False)
                yield entry.path, status
                if stat.S_ISDIR(status.st_mode):
                    waiting.append(entry.path)


def cpu_seconds(walk: Callable[[], Iterator[object]], expected: int) -> float:
    """Return the median CPU seconds of a walk, done once before."""
    times = []
    for _ in range(REPEATS + 1):
        started = time.process_time()
        assert sum(1 for _ in walk()) == expected
        times.append(time.process_time() - started)
    return statistics.median(times[1:])


@contextmanager
def mounted(image: Path, root: Path) -> Iterator[None]:
    """Mount an image."""
    subprocess.run(["mount", "-o", "loop", image, root], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", root], check=True)


def populate(root: Path) -> int:
    """Make a tree as of a small machine; return how many entries it has."""
    for number in range(FOLDERS):
        folder = root / f"{number % 30}/{number % 300}/{number}"
        folder.mkdir(parents=True)
        for each in range(FILES):
            (folder / f"a file of usual length {each}").write_bytes(b"x" * each * 700)
        (folder / "link").symlink_to("elsewhere")
    return sum(1 for _ in walk_of_kernel(root))


def main() -> None:
    """Print seconds of both walks, and what the walk would take from far away."""
    kind, *options = sys.argv[1:]
    with tempfile.TemporaryDirectory() as at:
        image, root = Path(at) / "image", Path(at) / "mount"
        root.mkdir()
        with image.open("wb") as file:
            file.truncate(1 << 30)
        subprocess.run([f"mkfs.{kind}", "-q", *options, image], check=True)
        with mounted(image, root):
            expected = populate(root)
        with mounted(image, root):
            kernel = cpu_seconds(lambda: walk_of_kernel(root), expected)
        ours = cpu_seconds(lambda: open_reader(kind, FileBlocks(image)).walk(), expected)
        far = FarBlocks(image)
        assert sum(1 for _ in open_reader(kind, far).walk()) == expected
        print(f"{expected} entries, CPU seconds: kernel {kernel:.3f}, amigate {ours:.3f}, ratio {ours / kernel:.2f}")
        print(f"{far.units} units from far away: {far.seconds:.2f} s of waiting, ideally {far.ideal_seconds:.2f} s")


if __name__ == "__main__":
    main()
