"""Disk images by the real tools, which are the oracles too."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from amigate.disk.raw import Raw

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MEBIBYTE = 1 << 20


@dataclass(frozen=True)
class Bench:
    """A folder for images, and the tools."""

    folder: Path

    def image(self, name: str, mebibytes: int) -> Path:
        """Return a new file of nothing but a hole."""
        path = self.folder / name
        with path.open("wb") as file:
            file.truncate(mebibytes * MEBIBYTE)
        return path

    def run(self, *command: str | Path, text: str = "") -> str:
        """Run a tool and return what it prints; skips the test where the tool is missing."""
        program = shutil.which(str(command[0]), path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
        if program is None:
            pytest.skip(f"{command[0]} is not installed")
        environment = os.environ | {"LVM_SUPPRESS_FD_WARNINGS": "1", "LVM_SYSTEM_DIR": str(self.folder)}
        done = subprocess.run(
            [program, *map(str, command[1:])], input=text, capture_output=True, text=True, check=False, env=environment
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    @contextmanager
    def loop(self, path: Path, sector: int = 512, *, offset: int = 0, length: int = 0) -> Iterator[str]:
        """Yield a loop device of a file, or of `length` bytes of it."""
        if os.getuid():
            pytest.skip("loop devices need root")
        place = ("--sector-size", str(sector), "--offset", str(offset), "--sizelimit", str(length))
        device = self.run("losetup", "--find", "--show", *place, path).strip()
        try:
            yield device
        finally:
            self.run("losetup", "--detach", device)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


@pytest.fixture
def opened() -> Iterator[Opener]:
    opener = Opener([])
    yield opener
    for each in opener.raws:
        each.__exit__()


@dataclass(frozen=True)
class Opener:
    """Opens images for as long as a test lasts."""

    raws: list[Raw]

    def __call__(self, path: Path) -> Raw:
        self.raws.append(Raw(path))
        return self.raws[-1]
