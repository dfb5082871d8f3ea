"""The images that can be built: each a set of Debian packages, what is laid over them, and what a guest needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from amigate.sandbox.images import cloud, lean, systemd

if TYPE_CHECKING:
    from collections.abc import Callable

    from amigate.sandbox.images.tree import Tree


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How an image is made."""

    name: str
    summary: str
    packages: tuple[str, ...]
    """Of Debian, with what they depend on; nothing that is only recommended."""
    lay: Callable[[Tree], None]
    """Turns Debian's root file system into the clean image."""
    guest_folders: tuple[str, ...]
    """Where its guest files are."""
    size_mib: int
    """Size of the disk."""
    memory_mib: int
    """What a guest needs at least."""


RECIPES = {
    recipe.name: recipe
    for recipe in (
        Recipe(
            name="lean",
            summary="Debian 12 with busybox as init; boots in seconds",
            packages=lean.PACKAGES,
            lay=lean.lay,
            guest_folders=lean.GUEST_FOLDERS,
            size_mib=1024,
            memory_mib=256,
        ),
        Recipe(
            name="systemd",
            summary="Debian 12 with systemd, networkd and a small first-boot unit",
            packages=systemd.PACKAGES,
            lay=systemd.lay,
            guest_folders=systemd.GUEST_FOLDERS,
            size_mib=2048,
            memory_mib=256,
        ),
        Recipe(
            name="cloud",
            summary="Debian 12 with stock cloud-init on EC2's datasource",
            packages=cloud.PACKAGES,
            lay=cloud.lay,
            guest_folders=cloud.GUEST_FOLDERS,
            size_mib=2048,
            memory_mib=512,
        ),
    )
}
"""Name to recipe."""
