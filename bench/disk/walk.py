"""Walk a whole image as amigate reads it, beside Python over the kernel's mount of the same image, and other libraries.

    unshare --mount python bench/disk/walk.py KIND [options of mkfs.KIND]

Needs root, mkfs of `ext2`, `ext3`, `ext4` or `xfs`, and a free loop device; run it under `unshare --mount`, so that no
other process takes the mount along. CPU seconds of this process and of the kernel for it, all in caches. The libraries
are installed into a virtual environment of their own; one that cannot be, or that does not read the image, is left out.
virt-ls, of guestfish's family, runs a virtual machine: its figure is of wall-clock time."""

from __future__ import annotations

import os
import shutil
import stat
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from far import FarBlocks

from amigate.disk.blocks import Extent, IncompleteError
from amigate.disk.readers import open_reader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

FOLDERS = 3_000
FILES = 10
"""In each folder, with one link more."""
REPEATS = 9
PEERS = ("libfsext-python", "libfsxfs-python", "pytsk3", "dissect.extfs", "dissect.xfs")


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


def walk_of_os(root: Path) -> Iterator[tuple[str, os.stat_result]]:
    """Yield the same by os.walk and os.lstat, as most would write it."""
    for at, folders, names in os.walk(root):
        for name in (*folders, *names):
            path = os.path.join(at, name)  # noqa: PTH118 - a Path would take twice as long
            yield path, os.lstat(path)


def cpu_seconds(walks: Mapping[str, Callable[[], Iterator[object]]], expected: int) -> dict[str, float]:
    """Return the median CPU seconds of each walk, done once before; in turns, as a processor is not always as fast."""
    times: dict[str, list[float]] = {name: [] for name in walks}
    for _ in range(REPEATS + 1):
        for name, walk in walks.items():
            started = time.process_time()
            assert sum(1 for _ in walk()) == expected
            times[name].append(time.process_time() - started)
    return {name: statistics.median(taken[1:]) for name, taken in times.items()}


@contextmanager
def mounted(image: Path, root: Path, options: str = "loop") -> Iterator[None]:
    """Mount an image."""
    subprocess.run(["mount", "-o", options, image, root], check=True)
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


class Peers:
    """Libraries that read images too, installed below a folder."""

    def __init__(self, folder: Path) -> None:
        self._python = folder / "bin/python"
        venv.create(folder, with_pip=True)
        for package in PEERS:
            install = [str(self._python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", package]
            if subprocess.run(install, check=False, stderr=subprocess.DEVNULL).returncode:
                print(f"{package} cannot be installed here, so it is left out")

    def seconds(self, library: str, kind: str, image: Path, expected: int) -> float | None:
        """Return the processor seconds of a walk by a library; None where it tells no tree, or another."""
        command = [str(each) for each in (self._python, Path(__file__).parent / "peers.py", library, kind, image)]
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=600)
        if done.returncode:
            return None
        entries, taken = done.stdout.split()
        if int(entries) != expected:
            print(f"{library} tells {entries} entries of {expected}")
        return float(taken)


def seconds_of_virt_ls(image: Path) -> float | None:
    """Return the wall-clock seconds of a listing by virt-ls; None where it is not installed or fails."""
    if not (program := shutil.which("virt-ls")):
        return None
    started = time.perf_counter()
    done = subprocess.run(
        [program, "--add", image, "--mount", "/dev/sda", "--long", "--recursive", "--uids", "--time-t", "/"],
        check=False,
        capture_output=True,
        env=os.environ | {"LIBGUESTFS_BACKEND": "direct"},
    )
    return time.perf_counter() - started if done.returncode == 0 else None


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
        walks: dict[str, Callable[[], Iterator[object]]] = {
            "amigate": lambda: open_reader(kind, FileBlocks(image)).walk(),
            "the kernel's mount, os.walk and os.lstat": lambda: walk_of_os(root),
            "the kernel's mount, os.scandir by hand": lambda: walk_of_kernel(root),
        }
        with mounted(image, root, "loop,ro"):
            measured = cpu_seconds(walks, expected)
        ours = measured["amigate"]
        far = FarBlocks(image)
        assert sum(1 for _ in open_reader(kind, far).walk()) == expected
        rows: dict[str, float | None] = {**measured}
        peers = Peers(Path(at) / "peers")
        rows |= {library: peers.seconds(library, kind, image, expected) for library in ("libyal", "pytsk3", "dissect")}
        rows["virt-ls (wall-clock)"] = seconds_of_virt_ls(image)
        print(f"{expected} entries, seconds of processor, and amigate's as a multiple of it:")
        for name, taken in rows.items():
            print(
                f"{name:42}" + (f"{taken:8.3f} {ours / taken:6.2f}" if taken else "   does not read it, or is not here")
            )
        print(f"{far.units} units from far away: {far.seconds:.2f} s of waiting, ideally {far.ideal_seconds:.2f} s")


if __name__ == "__main__":
    main()
