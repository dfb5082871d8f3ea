"""An image as a user names it: `lean`, `leaky-cloud`, `systemd+password-login+no-sshd`, or one that was imported."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from amigate.errors import UsageError
from amigate.sandbox.images import imported
from amigate.sandbox.images.defects import DEFECTS, LEAKY
from amigate.sandbox.images.recipes import RECIPES

if TYPE_CHECKING:
    from collections.abc import Sequence

DEFAULTS = ("lean", "leaky")
"""What `amigate sandbox up` offers."""
SETS = {"leaky": ("lean", LEAKY), "leaky-systemd": ("systemd", LEAKY), "leaky-cloud": ("cloud", LEAKY)}
"""Names that stand for an image with many defects."""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """An image and its defects, under the name that the AMI gets."""

    title: str
    image: str
    defects: tuple[str, ...]

    @property
    def memory_mib(self) -> int:
        """What a guest needs at least."""
        recipe = RECIPES.get(self.image)
        return recipe.memory_mib if recipe else imported.find(self.image).memory_mib


def parse(text: str) -> Choice:
    """Read NAME[+DEFECT…], where NAME may also stand for a set of defects; raises UsageError for what is unknown."""
    name, *defects = text.split("+")
    image, more = SETS.get(name, (name, ()))
    check(image, defects)
    return Choice(title=text, image=image, defects=(*more, *defects))


def check(image: str, defects: Sequence[str]) -> None:
    """Raise UsageError unless the image exists, and all defects do, and it can have them."""
    if image not in RECIPES:
        _check_imported(image, defects)
        return
    if unknown := [defect for defect in defects if defect not in DEFECTS]:
        raise UsageError(f"unknown defect: {', '.join(unknown)}", hint=f"defects: {', '.join(DEFECTS)}")
    if foreign := [defect for defect in defects if image not in DEFECTS[defect].images]:
        able = ", ".join(f"{defect} ({', '.join(DEFECTS[defect].images)})" for defect in foreign)
        raise UsageError(f"{image} cannot have every defect named", hint=f"images that can: {able}")


def _check_imported(image: str, defects: Sequence[str]) -> None:
    own = [each.name for each in imported.images()]
    if image not in own:
        raise UsageError(f"no image is called {image!r}", hint=f"images: {', '.join((*RECIPES, *SETS, *own))}")
    if defects:
        raise UsageError(
            f"{image} was imported and is taken as it is", hint=f"images with defects: {', '.join(RECIPES)}"
        )
