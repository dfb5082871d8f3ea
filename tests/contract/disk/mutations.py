"""Images with wrong bytes: what is told of them must be so or be refused, in time, and nothing else be raised."""

from __future__ import annotations

import random
import signal
import stat
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from amigate.disk.blocks import Extent, IncompleteError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import FrameType

    from amigate.disk.blocks import Blocks
    from amigate.disk.reader import Reader

    Open = Callable[[Blocks], Reader]

MIB = 1 << 20
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


def tell(opening: Open, blocks: Patched) -> Told:
    """Return all that is told of an image; what is refused is not in it."""
    told: Told = {}
    reader = opening(blocks)
    blocks.opened = len(blocks.sectors)
    for count, (path, inode) in enumerate(reader.walk()):
        told[path] = inode
        assert count < 10_000
        questions = {
            "xattrs": reader.xattrs,
            "extents": lambda path: list(reader.extents(path)),
            "readlink": reader.readlink,
        }
        with suppress(OSError):
            reader.read(path, 1 << 16)
        wanted = ["xattrs"]
        wanted += ["extents"] if stat.S_ISREG(inode.mode) else ["readlink"] if stat.S_ISLNK(inode.mode) else []
        for name in wanted:
            try:
                told[path, name] = questions[name](path)
            except OSError as error:
                told["refused", path, name] = str(error)
    for offset in range(0, blocks.size, MIB):
        try:
            told[f"free {offset}"] = reader.is_free(offset)
        except OSError as error:
            told["refused", offset] = str(error)
    try:
        told["free"] = list(reader.free_extents())
    except OSError as error:
        told["refused", "free"] = str(error)
    told["damage"] = list(reader.damage)
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


def metadata_of(opening: Open, content: bytes) -> tuple[Told, tuple[list[int], list[int]]]:
    """Return what is told of the image, and which sectors it is opened by, and told from."""
    blocks = Patched(content)
    told = tell(opening, blocks)
    assert not told["damage"]
    assert not any(isinstance(key, tuple) and key[0] == "refused" for key in told)
    sectors = list(blocks.sectors)
    parts = (sectors[: blocks.opened], sectors[blocks.opened :])
    first, others = ([at for at in part if any(content[at * SECTOR : (at + 1) * SECTOR])] for part in parts)
    return told, (first, others)


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


def count_refused(opening: Open, content: bytes, seeds: range) -> int:
    """Tell of mutated images, each as the truth is or refused; return how many were refused in some part."""
    truth, sectors = metadata_of(opening, content)
    refused = 0
    for seed in seeds:
        with in_time(LONGEST_S):
            try:
                told = tell(opening, mutated(content, *sectors, seed))
            except OSError:
                refused += 1
                continue
        assert differs(told, truth) == [], seed
        refused += told != truth
    return refused


class AnyChecksum:
    """A checksum that is right whatever it is."""

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        return True

    def __ne__(self, other: object) -> bool:
        return False

    def __xor__(self, other: int) -> AnyChecksum:
        return self

    def __and__(self, other: int) -> AnyChecksum:
        return self

    def __bool__(self) -> bool:
        """Whether a difference from another is any."""
        return False


def slowest_of(opening: Open, content: bytes, seeds: range, *, at_once: bool = False) -> float:
    """Tell of mutated images whose checksums are taken for right; return the most seconds that one took.

    `at_once` for a file system that reads its metadata when it is opened."""
    _, sectors = metadata_of(opening, content)
    sectors = sectors[::-1] if at_once else sectors
    slowest = 0.0
    for seed in seeds:
        started = time.monotonic()
        with in_time(LONGEST_S):
            try:
                tell(opening, mutated(content, *sectors, seed))
            except OSError:
                pass
            except BaseException as error:
                error.add_note(f"of the mutation {seed}")
                raise
        slowest = max(slowest, time.monotonic() - started)
    return slowest
