"""FAT images with wrong bytes: nothing hangs, and nothing but what says that it cannot be read is raised."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from amigate.disk.fat import Fat

from .fat_images import MIB, FatImage
from .fuzz.tree import loaders
from .mutations import LONGEST_S, slowest_of

if TYPE_CHECKING:
    from pathlib import Path

OPTIONS = {"-F 12 -s 1": MIB, "-F 16 -s 1": 4 * MIB, "-F 32 -s 1": 40 * MIB}
CUT = 2 * MIB


def made(folder: Path, options: str) -> bytes:
    """Return an image with something of each kind."""
    image = FatImage.made(folder / "image", options, OPTIONS[options])
    image.copy_in(*loaders(folder / "loaders"))
    image.delete("/EFI/many/name of some length 01", "/EFI/many/name of some length 20")
    if OPTIONS[options] > 4 * MIB:
        image.cut(CUT)
    return image.path.read_bytes()


@pytest.mark.parametrize("options", OPTIONS)
def test_a_hostile_image_costs_little_and_raises_nothing_unforeseen(options: str, tmp_path: Path) -> None:
    assert slowest_of(Fat, made(tmp_path, options), range(60), at_once=True) < LONGEST_S


@pytest.mark.slow
@pytest.mark.parametrize("options", OPTIONS)
def test_thousands_of_hostile_images_cost_little(options: str, tmp_path: Path) -> None:
    slowest = slowest_of(Fat, made(tmp_path, options), range(1000, 4000), at_once=True)
    print(f"the slowest of 3000 hostile images took {slowest:.2f} s")  # noqa: T201 - the figure is the point
