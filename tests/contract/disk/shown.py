"""What the kernel shows of an image that it mounts: the oracle of readers of file systems."""

from __future__ import annotations

import hashlib
import os
import stat
import struct
import subprocess
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from amigate.disk.blocks import Extent, IncompleteError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from amigate.disk.reader import Reader
    from amigate.evidence.file_system import Inode

MIB = 1 << 20
ACL = struct.pack("<I" + "HHI" * 5, 2, 1, 7, 2**32 - 1, 2, 6, 1000, 4, 5, 2**32 - 1, 16, 7, 2**32 - 1, 32, 5, 2**32 - 1)


@dataclass
class Shown:
    """What the kernel shows of an image, and where the image lies."""

    image: Path
    inodes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    contents: dict[str, str] = field(default_factory=dict)
    """SHA-256 of files, targets of links."""
    written: dict[str, str] = field(default_factory=dict)
    """SHA-256 of what of a file is no hole."""
    xattrs: dict[str, dict[str, bytes]] = field(default_factory=dict)


class FileBlocks:
    """A device that is a file; what is asked for ahead lies on it."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb", buffering=0)
        self.size = path.stat().st_size

    def read(self, offset: int, length: int) -> bytes:
        found = os.pread(self._file.fileno(), length, offset)
        if len(found) != length:
            raise IncompleteError("beyond the end of the device")
        return found

    def prefetch(self, extents: Iterable[Extent]) -> None:
        assert all(0 <= each.offset < each.end <= self.size for each in extents)

    def written(self) -> Iterator[Extent]:
        yield Extent(0, self.size)

    def close(self) -> None:
        self._file.close()


def run(*command: str | Path) -> str:
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, f"{command}: {done.stderr}"
    return done.stdout


@contextmanager
def mounted(image: Path, options: str = "loop", kind: str = "xfs", *, at: Path | None = None) -> Iterator[Path]:
    """Mount an image or device with the kernel, in a namespace that no other process can take the mount along from."""
    root = at or image.with_suffix(".mnt")
    root.mkdir(exist_ok=True)
    script = 'mount -t "$4" -o "$1" "$2" "$3" && echo mounted && read -r _; umount "$3"'
    command: list[str | Path] = ["unshare", "--mount", "sh", "-c", script, "sh", options, image, root, kind]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin
        assert process.stdout
        assert process.stdout.readline() == "mounted\n"
        try:
            yield Path(f"/proc/{process.pid}/root{root}")
        finally:
            process.communicate("unmount\n")
            assert process.returncode == 0


def look(root: Path, shown: Shown) -> None:
    """Take down what the kernel shows."""
    for folder, folders, names in os.walk(root):
        for name in folders + names:
            path = Path(folder) / name
            key = f"/{path.relative_to(root)}"
            status = path.lstat()
            owner = (status.st_uid, status.st_gid)
            shown.inodes[key] = (status.st_mode, status.st_ino, *owner, status.st_size, status.st_mtime_ns)
            found = {each: os.getxattr(path, each, follow_symlinks=False) for each in listed(path)}
            if found:
                shown.xattrs[key] = found
            if stat.S_ISLNK(status.st_mode):
                shown.contents[key] = os.readlink(path)  # noqa: PTH115 - Path takes slashes off
            elif stat.S_ISREG(status.st_mode):
                regions = written(path)  # before it is read: what is cached counts as written
                content = path.read_bytes()
                shown.contents[key] = hashlib.sha256(content).hexdigest()
                held = b"".join(content[region.start : region.stop] for region in regions)
                shown.written[key] = hashlib.sha256(held).hexdigest()


def listed(path: Path) -> list[str]:
    return os.listxattr(path, follow_symlinks=False)


def written(path: Path) -> list[range]:
    """Return where in a file there is content."""
    regions: list[range] = []
    with path.open("rb") as file, suppress(OSError):
        while True:
            start = os.lseek(file.fileno(), regions[-1].stop if regions else 0, os.SEEK_DATA)
            regions.append(range(start, os.lseek(file.fileno(), start, os.SEEK_HOLE)))
    return regions


def free_runs(reader: Reader, count: int) -> list[Extent]:
    """Return the free runs of a file system of `count` blocks, in blocks, which must lie in it and be in order."""
    size = reader.block_bytes
    listed = [Extent(each.offset // size, each.length // size) for each in reader.free_extents()]
    assert all(before.end <= each.offset for before, each in pairwise(listed))
    assert all(each.end <= count for each in listed)
    return joined(listed)


def joined(runs: Iterable[Extent]) -> list[Extent]:
    """Put runs together that touch."""
    found: list[Extent] = []
    for each in sorted(runs):
        if found and found[-1].end == each.offset:
            found[-1] = Extent(found[-1].offset, found[-1].length + each.length)
        else:
            found.append(each)
    return found


def as_tuple(inode: Inode) -> tuple[int, ...]:
    return (inode.mode, inode.number, inode.uid, inode.gid, inode.size, inode.mtime_ns)
