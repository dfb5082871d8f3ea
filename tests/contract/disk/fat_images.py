"""FAT images by mkfs.fat and mtools, and what mtools, fsck.fat and GRUB tell of them: the oracles of the FAT reader.

Not every kernel has vfat; where it does, it is asked too."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

MIB = 1 << 20
_ENVIRONMENT = {"TZ": "UTC", "LC_ALL": "C.UTF-8", "PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin"}
_RANGE = re.compile(r"<(\d+)(?:-(\d+))?>")


def run(*command: str | Path) -> str:
    """Run a tool, with names and times as Debian's vfat has them; skips the test where it is missing."""
    rc = Path(__file__).with_name("mtoolsrc")
    program = shutil.which(command[0], path=_ENVIRONMENT["PATH"])
    if program is None:
        pytest.skip(f"{command[0]} is not installed")
    done = subprocess.run(
        [program, *command[1:]],
        check=False,
        capture_output=True,
        text=True,
        errors="surrogateescape",
        env=_ENVIRONMENT | {"MTOOLSRC": str(rc)},
    )
    assert done.returncode == 0, f"{command}: {done.stderr}"
    return done.stdout


def has_vfat() -> bool:
    """Whether this kernel mounts vfat, perhaps once it has loaded a module."""
    with suppress(FileNotFoundError):
        subprocess.run(["/sbin/modprobe", "-q", "vfat"], check=False)
    return "\tvfat\n" in Path("/proc/filesystems").read_text("ascii")


@dataclass(frozen=True)
class FatImage:
    """A file with a FAT file system."""

    path: Path

    @classmethod
    def made(cls, path: Path, options: str, size: int) -> FatImage:
        """Make an empty one."""
        with path.open("wb") as file:
            file.truncate(size)
        run("mkfs.fat", "-i", "1a2B3c4D", "-n", "A LABEL", *options.split(), path)
        return cls(path)

    def copy_in(self, *sources: Path, into: str = "/") -> None:
        """Copy files and folders with their times."""
        run("mcopy", "-i", self.path, "-s", "-Q", "-m", *sources, f"::{into}")

    def copy_out(self, folder: Path) -> None:
        """Copy all of it into a new folder."""
        folder.mkdir()
        run("mcopy", "-i", self.path, "-s", "-m", "-n", "::/", folder)

    def delete(self, *paths: str) -> None:
        """Delete files, or folders with what is in them."""
        run("mdeltree", "-i", self.path, *(f"::{path}" for path in paths))

    def forget_what_is_free(self) -> None:
        """Take out how many clusters of FAT32 are free, and where to look for one: mtools begins with the first."""
        with self.path.open("r+b") as file:
            start = file.read(512)
            if start[22:24] == b"\0\0":
                file.seek(int.from_bytes(start[11:13], "little") * int.from_bytes(start[48:50], "little") + 488)
                file.write(b"\xff" * 8)

    def cut(self, size: int) -> None:
        """Take what lies behind `size` off FAT32 of sectors of 512 bytes; mtools does not read what is too small."""
        self.forget_what_is_free()
        with self.path.open("r+b") as file:
            for sector in (0, 6):
                file.seek(sector * 512 + 32)
                file.write((size // 512).to_bytes(4, "little"))
            file.truncate(size)

    def clusters(self, paths: list[str]) -> list[list[int]]:
        """Return the clusters of files and folders, in order."""
        lines = run("mshowfat", "-i", self.path, *(f"::{path}" for path in paths)).splitlines()
        found = [[(int(first), int(last or first)) for first, last in _RANGE.findall(line)] for line in lines if line]
        return [[cluster for first, last in ranges for cluster in range(first, last + 1)] for ranges in found]

    def used(self) -> tuple[int, int]:
        """Return how many clusters are in use, and how many there are, by fsck.fat, which finds nothing wrong."""
        told = re.search(r"(\d+)/(\d+) clusters$", run("fsck.fat", "-n", self.path), re.MULTILINE)
        assert told
        return int(told[1]), int(told[2])

    def by_grub(self, folder: str) -> list[str]:
        """Return the names in a folder by GRUB."""
        lines = run("grub-fstest", self.path, "ls", "--", "-l", f"(loop0){folder}").splitlines()
        return [line[28:].removesuffix("/") for line in lines if line]
