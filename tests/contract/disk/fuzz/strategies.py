"""Ways of making an image wrong, each the same for the same dice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.contract.disk.fuzz.device import Image, Mutant
from tests.contract.disk.mutations import SECTOR

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence

WIDTHS = (1, 2, 4, 8)


@dataclass(frozen=True)
class Places:
    """Where it is worth to make an image wrong: numbers of sectors."""

    opening: Sequence[int]
    """What a file system is found and opened by."""
    metadata: Sequence[int]
    written: Sequence[int]

    def sector(self, dice: random.Random) -> int:
        """Return where a sector begins, mostly one of metadata."""
        of = dice.choices((self.metadata, self.opening, self.written), (85, 10, 5))[0]
        return dice.choice(of) * SECTOR

    def field(self, dice: random.Random, width: int) -> int:
        """Return where a field of so many bytes may be."""
        return self.sector(dice) + dice.randrange(SECTOR // width) * width


def bits(mutant: Mutant, places: Places, dice: random.Random) -> None:
    for _ in range(dice.choice((1, 1, 1, 2, 8, 32))):
        at = places.field(dice, 1)
        mutant.put(at, bytes([mutant.read(at, 1)[0] ^ 1 << dice.randrange(8)]))


def values(mutant: Mutant, places: Places, dice: random.Random) -> None:
    """Put what lies at the edge of a field's range into some."""
    for _ in range(dice.choice((1, 1, 1, 2, 4))):
        width = dice.choice(WIDTHS)
        at = places.field(dice, width)
        bound = 1 << 8 * width
        old = int.from_bytes(mutant.read(at, width), "little")
        edges = (0, 1, 2, bound - 1, bound - 2, bound // 2, bound // 2 - 1, bound >> 8, dice.randrange(bound))
        value = dice.choice((*edges, old + 1, old - 1, old * 2, old // 2, dice.randrange(1, 64))) % bound
        mutant.put(at, value.to_bytes(width, dice.choice(("little", "big"))))


def swap(mutant: Mutant, places: Places, dice: random.Random) -> None:
    """Let two fields change places, of one sector or of two."""
    for _ in range(dice.choice((1, 1, 3))):
        width = dice.choice(WIDTHS)
        one, other = places.field(dice, width), places.field(dice, width)
        if dice.random() < 0.5:
            other = one - one % SECTOR + other % SECTOR
        left, right = mutant.read(one, width), mutant.read(other, width)
        mutant.put(one, right)
        mutant.put(other, left)


def copy(mutant: Mutant, places: Places, dice: random.Random) -> None:
    """Copy a stretch over another."""
    length = dice.choice((16, 128, 256, 512, 1024, 4096))
    unit = min(length, SECTOR)
    source, target = (places.field(dice, unit) for _ in range(2))
    mutant.put(target, mutant.read(source, min(length, mutant.size - source)))


def fill(mutant: Mutant, places: Places, dice: random.Random) -> None:
    """Lose a stretch."""
    length = dice.choice((16, 128, 512, 1024, 4096))
    mutant.put(places.field(dice, min(length, SECTOR)), dice.choice((bytes(length), b"\xff" * length)))


STRATEGIES: dict[str, Callable[[Mutant, Places, random.Random], None]] = {
    "bits": bits,
    "values": values,
    "swap": swap,
    "copy": copy,
    "fill": fill,
}
CUT = 0.04
"""Share of images that end early."""


def mutated(image: Image, places: Places, dice: random.Random) -> Mutant:
    """Return the image with something wrong in it."""
    if dice.random() < CUT:
        anywhere, at_metadata = dice.randrange(1, len(image.data) // SECTOR), places.sector(dice) // SECTOR
        return Mutant(image, dice.choice((anywhere, at_metadata, at_metadata + 1)) * SECTOR)
    while True:
        mutant = Mutant(image)
        names = dice.choices(tuple(STRATEGIES), (3, 4, 1, 1, 1), k=dice.choice((1, 1, 1, 2)))
        for name in names:
            STRATEGIES[name](mutant, places, dice)
        if mutant.changed():
            return mutant
