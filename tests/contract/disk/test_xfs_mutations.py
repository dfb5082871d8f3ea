"""XFS images with wrong bytes: what is told is so, or it is refused; nothing hangs, and nothing else is raised."""

from __future__ import annotations

import os
import random
import resource
import shutil
import signal
import stat
import struct
import subprocess
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from amigate.disk.blocks import Extent, IncompleteError
from amigate.disk.xfs import Xfs, free, inodes, log, metadata, superblock

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import FrameType

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts"),
    pytest.mark.skipif(not shutil.which("mkfs.xfs"), reason="xfsprogs is not installed"),
]

MIB = 1 << 20
ANY_SIZE = {"TEST_DIR": "x", "TEST_DEV": "x", "QA_CHECK_FS": "x"}
"""As the tests of xfsprogs ask mkfs.xfs(8) for small file systems."""
LONGEST_S = 5.0
SECTOR = 512
Told = dict[object, Any]


@dataclass
class Patched:
    """A device in memory, some of whose bytes are wrong; it takes down which sectors were read."""

    content: bytes
    patches: dict[int, bytes] = field(default_factory=dict)
    sectors: dict[int, None] = field(default_factory=dict)
    """In the order in which they were read first."""
    opened: int = 0
    """How many had been read when the file system was open."""

    @property
    def size(self) -> int:
        return len(self.content)

    def read(self, offset: int, length: int) -> bytes:
        if offset < 0 or length < 0 or offset + length > len(self.content):
            raise IncompleteError("beyond the end of the device")
        self.sectors.update(dict.fromkeys(range(offset // SECTOR, -(-(offset + length) // SECTOR))))
        found = self.content[offset : offset + length]
        for at, value in self.patches.items():
            start = at - offset
            if start >= 0 and start + len(value) <= length:
                found = found[:start] + value + found[start + len(value) :]
        return found

    def prefetch(self, extents: Iterable[Extent]) -> None:
        assert all(each.length > 0 for each in extents)

    def written(self) -> Iterator[Extent]:
        yield Extent(0, self.size)


def populate(root: Path) -> None:
    for folder in ("etc/ssh", "many", "deep/er/and/deeper"):
        (root / folder).mkdir(parents=True)
    for number in range(260):
        (root / f"many/a_name_that_takes_room_{number:04}").touch()
    for number in range(0, 260, 3):
        (root / f"many/a_name_that_takes_room_{number:04}").unlink()
    with (root / "etc/holes").open("wb") as file:
        for number in range(150):
            file.seek(number * 8192)
            file.write(b"x")
    (root / "etc/long").symlink_to("/abc" * 200)
    (root / "etc/short").symlink_to("ssh")
    (root / "etc/ssh/key").write_bytes(b"key" * 1000)
    os.setxattr(root / "etc/ssh/key", "user.one", b"1")
    acl = struct.pack("<IHHIHHIHHI", 2, 1, 7, 2**32 - 1, 4, 5, 2**32 - 1, 32, 5, 2**32 - 1)
    os.setxattr(root / "etc", "system.posix_acl_default", acl)
    for number in range(60):
        os.setxattr(root / "etc/holes", f"user.number{number}", b"v" * 70)
    os.setxattr(root / "etc/ssh", "user.large", b"v" * 9000)


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Return an image with something of each kind."""
    image = tmp_path_factory.mktemp("xfs") / "image"
    root = image.with_suffix(".mnt")
    root.mkdir()
    with image.open("wb") as file:
        file.truncate(24 * MIB)
    subprocess.run(["mkfs.xfs", "-q", "-b", "size=1024", image], check=True, env=os.environ | ANY_SIZE)
    script = 'mount -t xfs -o loop "$1" "$2" && echo mounted && read -r _; umount "$2"'
    command: list[str | Path] = ["unshare", "--mount", "sh", "-c", script, "sh", image, root]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "mounted\n"
        populate(Path(f"/proc/{process.pid}/root{root}"))
        process.communicate("unmount\n")
    return image.read_bytes()


def tell(blocks: Patched) -> Told:
    """Return all that is told of an image; what is refused is not in it."""
    told: Told = {}
    xfs = Xfs(blocks)
    blocks.opened = len(blocks.sectors)
    for count, (path, inode) in enumerate(xfs.walk()):
        told[path] = inode
        assert count < 10_000
        questions = {"xattrs": xfs.xattrs, "extents": lambda path: list(xfs.extents(path)), "readlink": xfs.readlink}
        with suppress(OSError):
            xfs.read(path, 1 << 16)
        wanted = ["xattrs"]
        wanted += ["extents"] if stat.S_ISREG(inode.mode) else ["readlink"] if stat.S_ISLNK(inode.mode) else []
        for name in wanted:
            try:
                told[path, name] = questions[name](path)
            except OSError as error:
                told["refused", path, name] = str(error)
    for offset in range(0, blocks.size, MIB):
        try:
            told[f"free {offset}"] = xfs.is_free(offset)
        except OSError as error:
            told["refused", offset] = str(error)
    told["damage"] = list(xfs.damage)
    return told


def mutated(content: bytes, opening: list[int], sectors: list[int], seed: int) -> Patched:
    """Return the image with wrong bytes in some of its metadata."""
    dice = random.Random(seed)  # noqa: S311 - the same mutation each time
    blocks = Patched(content)
    for _ in range(dice.choice((1, 1, 2, 4, 16))):
        area = opening if dice.random() < 0.05 else sectors
        at = dice.choice(area) * SECTOR + dice.randrange(SECTOR)
        value = dice.choice((0, 255, dice.randrange(256), content[at] ^ 1 << dice.randrange(8)))
        blocks.patches[at] = bytes([value])
    return blocks


def metadata_of(content: bytes) -> tuple[Told, tuple[list[int], list[int]]]:
    """Return what is told of the image, and which sectors it is opened by, and told from."""
    blocks = Patched(content)
    told = tell(blocks)
    assert not told["damage"]
    assert not any(isinstance(key, tuple) and key[0] == "refused" for key in told)
    sectors = list(blocks.sectors)
    parts = (sectors[: blocks.opened], sectors[blocks.opened :])
    opening, others = ([at for at in part if any(content[at * SECTOR : (at + 1) * SECTOR])] for part in parts)
    return told, (opening, others)


@contextmanager
def in_time(seconds: float) -> Iterator[None]:
    """Fail what takes longer."""

    def late(number: int, frame: FrameType | None) -> None:
        raise AssertionError(f"it takes longer than {seconds} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def differs(told: Told, truth: Told) -> list[object]:
    """Return what is told that is not so, and what is missing without a word."""
    wrong: list[object] = [
        key for key, value in told.items() if key in truth and key != "damage" and value != truth[key]
    ]
    wrong += [key for key in told if key not in truth and not (isinstance(key, tuple) and key[0] == "refused")]
    if not told["damage"]:
        wrong += [key for key in truth if isinstance(key, str) and key.startswith("/") and key not in told]
    return wrong


def count_refused(content: bytes, seeds: range) -> int:
    """Tell of mutated images, each as the truth is or refused; return how many were refused in some part."""
    truth, sectors = metadata_of(content)
    refused = 0
    for seed in seeds:
        with in_time(LONGEST_S):
            try:
                told = tell(mutated(content, *sectors, seed))
            except OSError:
                refused += 1
                continue
        assert differs(told, truth) == [], seed
        refused += told != truth
    return refused


class _Any:
    """A checksum that is right whatever it is."""

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        return True

    def __ne__(self, other: object) -> bool:
        return False


@pytest.fixture
def without_checksums(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take every checksum for right, as if whoever made the image had made it so."""
    for module in (superblock, metadata, free):
        monkeypatch.setattr(module, "verify", lambda *_: None)
    monkeypatch.setattr(inodes, "crc32c", lambda _: _Any())
    monkeypatch.setattr(log, "_is_whole", lambda *_: True)


def slowest_of(content: bytes, seeds: range) -> float:
    """Tell of mutated images whose checksums are taken for right; return the most seconds that one took."""
    _, sectors = metadata_of(content)
    slowest = 0.0
    for seed in seeds:
        started = time.monotonic()
        with in_time(LONGEST_S):
            try:
                tell(mutated(content, *sectors, seed))
            except OSError:
                pass
            except BaseException as error:
                error.add_note(f"of the mutation {seed}")
                raise
        slowest = max(slowest, time.monotonic() - started)
    return slowest


def test_what_is_told_of_a_damaged_image_is_so_or_is_refused(content: bytes) -> None:
    assert count_refused(content, range(200)) > 100


def test_a_hostile_image_with_right_checksums_costs_little_and_raises_nothing_unforeseen(
    content: bytes, without_checksums: None
) -> None:
    assert slowest_of(content, range(200)) < LONGEST_S


@pytest.mark.slow
def test_thousands_of_damaged_images_are_told_as_they_are_or_refused(content: bytes) -> None:
    refused = count_refused(content, range(1000, 5000))
    print(f"{refused} of 4000 mutated images were refused in some part")  # noqa: T201 - the figure is the point


@pytest.mark.slow
def test_thousands_of_hostile_images_cost_little(content: bytes, without_checksums: None) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    slowest = slowest_of(content, range(1000, 5000))
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024
    print(f"the slowest of 4000 hostile images took {slowest:.2f} s; memory grew by {grown} MiB")  # noqa: T201
    assert grown < 256
