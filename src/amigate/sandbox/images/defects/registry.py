"""The list of defects, and how one gets onto it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from amigate.sandbox.images.tree import Tree

    Change = Callable[[Tree], None]

EVERY_IMAGE = ("lean", "systemd", "cloud")
"""Images that a defect may apply to."""
DEFAULT_USER = "admin"
DEFAULT_UID = 1000


@dataclass(frozen=True, kw_only=True)
class Defect:
    """One thing that an image should not have; any of them go together, in any order."""

    name: str
    summary: str
    """What is wrong, in one sentence."""
    violates: tuple[str, ...]
    """Ids of the rules that it breaks, of those that judge running instances; empty for what is only odd."""
    leaves_open: tuple[str, ...]
    """Ids of the rules that nobody can decide because of it, of those."""
    changes: dict[str, Change] = field(default_factory=dict)
    """Image to what changes its clean tree; images differ in how the same thing goes wrong."""

    @property
    def images(self) -> tuple[str, ...]:
        """The images that can have it."""
        return tuple(image for image in EVERY_IMAGE if image in self.changes)

    def apply(self, image: str, tree: Tree) -> None:
        """Change the clean tree of an image."""
        self.changes[image](tree)


DEFECTS: dict[str, Defect] = {}
"""Name to defect."""


def defect(
    name: str,
    summary: str,
    *,
    violates: tuple[str, ...] = (),
    leaves_open: tuple[str, ...] = (),
    on: tuple[str, ...] = EVERY_IMAGE,
) -> Callable[[Change], Change]:
    """Register a defect and how it comes about on the images named."""
    DEFECTS[name] = Defect(name=name, summary=summary, violates=violates, leaves_open=leaves_open)
    return also(name, on=on)


def also(name: str, *, on: tuple[str, ...]) -> Callable[[Change], Change]:
    """Register how the same defect comes about on other images."""

    def register(change: Change) -> Change:
        DEFECTS[name].changes.update(dict.fromkeys(on, change))
        return change

    return register
