"""The picture of the witnesses: boxes and the lines between them, for a wide page and for a narrow one."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Box:
    """A box, in units of the picture."""

    x: int
    y: int
    width: int
    height: int

    @property
    def middle(self) -> tuple[float, float]:
        """Its middle."""
        return self.x + self.width / 2, self.y + self.height / 2


@dataclass(frozen=True, kw_only=True)
class Picture:
    """Where everything is."""

    name: str
    width: int
    height: int
    boxes: dict[str, Box]
    lines: tuple[tuple[str, str], ...]
    """Each line as the box that it leads to, and the path that SVG draws."""


def _line(start: Box, end: Box) -> str:
    """Return a curve from edge to edge, leaving sideways where they stand beside each other, else up or down."""
    (x1, y1), (x2, y2) = start.middle, end.middle
    beside = end.x >= start.x + start.width or start.x >= end.x + end.width
    if beside:
        x1 += start.width / 2 if x2 > x1 else -start.width / 2
        x2 += -end.width / 2 if x2 > x1 else end.width / 2
        half = (x1 + x2) / 2
        return f"M{x1:g} {y1:g}C{half:g} {y1:g} {half:g} {y2:g} {x2:g} {y2:g}"
    y1 += start.height / 2 if y2 > y1 else -start.height / 2
    y2 += -end.height / 2 if y2 > y1 else end.height / 2
    half = (y1 + y2) / 2
    return f"M{x1:g} {y1:g}C{x1:g} {half:g} {x2:g} {half:g} {x2:g} {y2:g}"


def _boxes(width: int, height: int, **places: tuple[int, int]) -> dict[str, Box]:
    return {name: Box(x=x, y=y, width=width, height=height) for name, (x, y) in places.items()}


_WIDE = _boxes(
    216,
    88,
    ec2=(2, 2),
    disk=(2, 254),
    image=(288, 128),
    A=(574, 2),
    twin=(574, 128),
    B=(574, 254),
    probe=(862, 128),
)
_TALL = {
    **_boxes(162, 80, ec2=(2, 112), disk=(180, 112), A=(2, 222), B=(180, 222), twin=(91, 332), probe=(91, 438)),
    "image": Box(x=64, y=2, width=216, height=80),
}
WIDE = Picture(
    name="wide",
    width=1080,
    height=344,
    boxes=_WIDE,
    lines=(
        *((end, _line(_WIDE["image"], _WIDE[end])) for end in ("ec2", "disk", "A", "B")),
        *((start, _line(_WIDE[start], _WIDE[end])) for start in ("A", "B") for end in ("twin", "probe")),
    ),
)
TALL = Picture(
    name="tall",
    width=344,
    height=520,
    boxes=_TALL,
    lines=(
        *((end, _line(_TALL["image"], _TALL[end])) for end in ("ec2", "disk")),
        *((end, _line(_TALL[end], _TALL["twin"])) for end in ("A", "B")),
        # Between EC2 and the disk down to the launches, and past the twins to the probe.
        ("A", "M172 82V196C172 212 83 206 83 222"),
        ("B", "M172 82V196C172 212 261 206 261 222"),
        ("A", "M40 302V460Q40 478 58 478H91"),
        ("B", "M304 302V460Q304 478 286 478H253"),
    ),
)
