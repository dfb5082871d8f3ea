"""Whether the log of an XFS file system is clean: as xfs_logprint(8) says of the same image, and after a freeze."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from amigate.disk.blocks import Extent, IncompleteError
from amigate.disk.xfs import Xfs

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts"),
    pytest.mark.skipif(not shutil.which("mkfs.xfs"), reason="xfsprogs is not installed"),
]

MIB = 1 << 20
ANY_SIZE = {"TEST_DIR": "x", "TEST_DEV": "x", "QA_CHECK_FS": "x"}
"""As the tests of xfsprogs ask mkfs.xfs(8) for what it makes for nobody else: small file systems and logs."""
SMALL_LOG = "-b size=1024 -l size=4m"


class FileBlocks:
    """A device that is a file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = path.stat().st_size

    def read(self, offset: int, length: int) -> bytes:
        with self.path.open("rb") as file:
            file.seek(offset)
            return file.read(length)

    def prefetch(self, extents: Iterable[Extent]) -> None:
        pass

    def written(self) -> Iterator[Extent]:
        yield Extent(0, self.size)


def run(*command: str | Path) -> str:
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=os.environ | ANY_SIZE)
    assert done.returncode == 0, f"{command}: {done.stderr}"
    return done.stdout


@pytest.fixture
def image(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """Return an image of an empty file system with a log as the test wants it."""
    image = tmp_path / "image"
    with image.open("wb") as file:
        file.truncate(900 * MIB if "su=" in request.param else 300 * MIB)
    run("mkfs.xfs", "-q", *request.param.split(), image)
    return image


LOGS = pytest.mark.parametrize(
    "image",
    ["", SMALL_LOG, "-s size=4096", "-d su=256k,sw=2 -l su=256k,size=80m", "-d su=64k,sw=2 -l su=32k,size=64m"],
    indirect=True,
)


@contextmanager
def mounted(image: Path) -> Iterator[Path]:
    """Mount an image in a namespace that no other process can take the mount along from."""
    root = image.with_suffix(".mnt")
    root.mkdir(exist_ok=True)
    script = 'mount -t xfs -o loop "$1" "$2" && echo mounted && read -r _; umount "$2"'
    command: list[str | Path] = ["unshare", "--mount", "sh", "-c", script, "sh", image, root]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "mounted\n"
        try:
            yield Path(f"/proc/{process.pid}/root{root}")
        finally:
            process.communicate("unmount\n")
            assert process.returncode == 0


def copied(image: Path) -> Path:
    """Copy an image as it is just now."""
    copy = image.with_suffix(".copy")
    run("cp", "--sparse=always", image, copy)
    return copy


def says_clean(image: Path) -> bool:
    """Return what xfs_logprint(8) says of a log."""
    state = run("xfs_logprint", "-t", image)
    assert ("<CLEAN>" in state) != ("<DIRTY>" in state)
    return "<CLEAN>" in state


def is_clean(image: Path) -> bool:
    """Return whether the image is read; a refusal says what to do."""
    try:
        Xfs(FileBlocks(image))
    except IncompleteError as error:
        if "xfs_freeze -f" not in str(error):
            raise
        return False
    return True


def work(root: Path, number: int) -> None:
    """Change the file system, and have the log written."""
    folder = root / f"folder{number}"
    folder.mkdir()
    for each in range(40):
        (folder / f"file{each}").touch()
    descriptor = os.open(folder, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)


@LOGS
def test_a_log_is_clean_where_the_file_system_was_made_or_unmounted_only(image: Path) -> None:
    assert is_clean(image)
    for number in range(3):
        with mounted(image) as root:
            work(root, number)
            copy = copied(image)
            assert not says_clean(copy)
            assert not is_clean(copy)
        assert says_clean(image)
        assert is_clean(image)


@LOGS
def test_a_frozen_file_system_is_read_as_it_was_frozen(image: Path) -> None:
    with mounted(image) as root:
        for number in range(3):
            work(root, number)
            run("xfs_freeze", "-f", root)
            copy = copied(image)
            run("xfs_freeze", "-u", root)
            xfs = Xfs(FileBlocks(copy))
            assert not says_clean(copy)
            assert sum(path.startswith("/folder") for path, _ in xfs.walk()) == 41 * (number + 1)
            work(root, 100 + number)
            assert not is_clean(copied(image))
            shutil.rmtree(root / f"folder{100 + number}")


@pytest.mark.parametrize("image", [SMALL_LOG], indirect=True)
def test_a_log_that_went_round_is_told_as_xfs_logprint_tells_it(image: Path) -> None:
    rounds = 0
    for number in range(20):
        with mounted(image) as root:
            for each in range(25):
                work(root, number * 100 + each)
                if each % 5 == 0:
                    copy = copied(image)
                    assert is_clean(copy) == says_clean(copy)
            for each in range(25):
                shutil.rmtree(root / f"folder{number * 100 + each}")
        assert says_clean(image)
        assert is_clean(image)
        rounds = cycle(image)
    assert rounds > 2


def cycle(image: Path) -> int:
    """Return how often the log went round."""
    return max(map(int, re.findall(r"HEADER Cycle (\d+)", run("xfs_logprint", "-d", image))))


@pytest.mark.parametrize("image", [SMALL_LOG], indirect=True)
def test_a_log_that_another_tool_emptied_is_clean(image: Path) -> None:
    for number in range(4):
        with mounted(image) as root:
            for each in range(20):
                work(root, number * 100 + each)
    run("xfs_admin", "-U", "generate", image)
    assert is_clean(image)
    assert Xfs(FileBlocks(image)).uuid == run("blkid", "-p", "-o", "value", "-s", "UUID", image).strip()
    with mounted(image) as root:
        work(root, 1000)
        copy = copied(image)
    assert not is_clean(copy)
    run("xfs_repair", "-L", copy)
    assert is_clean(copy)
    assert is_clean(image)
    assert sum(1 for _ in Xfs(FileBlocks(image)).walk()) == 81 * 41
