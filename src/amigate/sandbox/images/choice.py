"""An image as a user names it: `lean`, `leaky`, `lean+password-login+no-sshd`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from amigate.errors import UsageError
from amigate.sandbox.images.defects import DEFECTS, LEAKY

if TYPE_CHECKING:
    from collections.abc import Sequence

IMAGES = ("lean",)
DEFAULTS = ("lean", "leaky")
"""What `amigate sandbox up` offers."""
_SETS = {"leaky": ("lean", LEAKY)}


@dataclass(frozen=True, kw_only=True)
class Choice:
    """An image and its defects, under the name that the AMI gets."""

    title: str
    image: str
    defects: tuple[str, ...]


def parse(text: str) -> Choice:
    """Read NAME[+DEFECT…], where NAME may also stand for a set of defects; raises UsageError for what is unknown."""
    name, *defects = text.split("+")
    image, more = _SETS.get(name, (name, ()))
    check(image, defects)
    return Choice(title=text, image=image, defects=(*more, *defects))


def check(image: str, defects: Sequence[str]) -> None:
    """Raise UsageError unless the image and all defects exist."""
    if image not in IMAGES:
        raise UsageError(f"no image is called {image!r}", hint=f"images: {', '.join((*IMAGES, *_SETS))}")
    if unknown := [defect for defect in defects if defect not in DEFECTS]:
        raise UsageError(f"unknown defect: {', '.join(unknown)}", hint=f"defects: {', '.join(DEFECTS)}")
