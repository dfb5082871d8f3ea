"""What lies outside of all partitions, or of all logical volumes.

Nobody can read a file there with a running machine, so it is exempt; its written blocks are searched like all others.
Where a file system shows itself, though, a partition was deleted and its files are still there: that is unsupported.
File systems are looked for where partitions begin: at the start of the space, at each mebibyte (or LVM extent), and at
sector 63, where the first partition began in former times."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from amigate.disk.blocks import Extent, IncompleteError
from amigate.disk.pieces import Piece, Pieces, between, part, within
from amigate.disk.stream import is_zero
from amigate.disk.volumes.contents import LVM, Contents, failed
from amigate.disk.volumes.signatures import recognise
from amigate.disk.volumes.volume import State, Volume

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from amigate.disk.blocks import Blocks

MEBIBYTE = 1 << 20
_SECTOR_63 = 63 * 512
_SIGHT_BYTES = MEBIBYTE
"""So much of a place is looked at; what shows itself only at its end is not told there."""
_MOST_PLACES = 4096
_MOST_GAPS = 1000
_BATCH = 64
_NO_FILES = frozenset({"swap", "swsuspend"})


@dataclass(frozen=True, kw_only=True)
class Space:
    """A device that is divided, and what of it is taken."""

    name: str
    blocks: Blocks
    taken: Sequence[Extent]
    head: Extent
    """The start of the device, which is not part of any division."""
    head_kind: str
    head_reason: str
    step: int = MEBIBYTE
    """Volumes begin at multiples of it, counted from the end of the head."""


def leftovers(space: Space) -> list[Volume]:
    """Return every stretch outside that holds anything but zeros; damage is said, not raised."""
    try:
        written = list(space.blocks.written())
    except OSError as error:
        return [_volume(space, Extent(0, space.blocks.size), failed(error, "leftover"))]
    gaps = [gap for gap in _gaps(space) if any(within(written, gap))]
    found = [volume for gap in gaps[:_MOST_GAPS] for volume in _look(space, gap, written)]
    return found + _rest(space, gaps[_MOST_GAPS:])


def starts(space: Space) -> list[Extent]:
    """Return where `leftovers` looks first, so that it can be asked for; nothing where that cannot be told."""
    try:
        written = list(space.blocks.written())
    except OSError:
        return []
    gaps = (gap for gap in _gaps(space) if any(within(written, gap)))
    return [Extent(gap.offset, min(gap.length, _SIGHT_BYTES)) for gap in islice(gaps, _BATCH)]


def _gaps(space: Space) -> Iterator[Extent]:
    """Yield the stretches outside, those of the head apart from the others."""
    tail = Extent(space.head.end, max(space.blocks.size - space.head.end, 0))
    yield from between(space.taken, space.head)
    yield from between(space.taken, tail)


def _look(space: Space, gap: Extent, written: Sequence[Extent]) -> Iterator[Volume]:
    try:
        blocks = part(space.blocks, gap.offset, gap.length)
        if is_zero(blocks):
            return
        kind = _file_system(space, gap, written)
    except OSError as error:
        yield _volume(space, gap, failed(error, "leftover"))
        return
    if kind:
        article = "an" if kind[0] in "aeiouLx" else "a"
        where = "LVM space of no volume" if space.head_kind == "lvm-header" else "unpartitioned space"
        what = f"{where} holds {article} {kind}, and its files may still be there"
        yield _volume(space, gap, Contents(kind=kind, state=State.UNSUPPORTED, reason=what))
    elif gap.end <= space.head.end:
        yield _volume(space, gap, Contents(kind=space.head_kind, state=State.EXEMPT, reason=space.head_reason))
    else:
        reason = "no files can be read outside of volumes; its written blocks are searched"
        yield _volume(space, gap, Contents(kind="leftover", state=State.EXEMPT, reason=reason))


def _file_system(space: Space, gap: Extent, written: Sequence[Extent]) -> str:
    """Return what shows itself in a stretch, ""; raises IncompleteError where there are too many places to look at."""
    places = _places(space, gap, written)
    for _ in range(0, _MOST_PLACES, _BATCH):
        batch = list(islice(places, _BATCH))
        if not batch:
            return ""
        space.blocks.prefetch(batch)
        for place in batch:
            for kind in recognise(part(space.blocks, place.offset, place.length)):
                if kind not in _NO_FILES and not (kind == LVM and place.offset < space.head.end):
                    return kind
    raise IncompleteError("there is more of it than is searched for deleted file systems")


def _places(space: Space, gap: Extent, written: Sequence[Extent]) -> Iterator[Extent]:
    """Yield where a file system may begin that has anything written at its start."""
    yield Extent(gap.offset, min(gap.length, _SIGHT_BYTES))
    if gap.offset < _SECTOR_63 < gap.end:
        yield Extent(_SECTOR_63, min(gap.end - _SECTOR_63, _SIGHT_BYTES))
    origin, done = space.head.end % space.step, gap.offset
    for extent in within(written, gap):
        first = (extent.offset - origin) // space.step * space.step + origin
        for offset in range(first, extent.end, space.step):
            if offset > done:
                done = offset
                yield Extent(offset, min(gap.end - offset, _SIGHT_BYTES))


def _rest(space: Space, gaps: Sequence[Extent]) -> list[Volume]:
    if not gaps:
        return []
    blocks = Pieces([Piece(space.blocks, gap.offset, gap.length) for gap in gaps])
    reason = f"there are more than {_MOST_GAPS} stretches outside of volumes"
    name = f"{space.name}@{gaps[0].offset}"
    return [Volume(name=name, kind="leftover", state=State.INCOMPLETE, reason=reason, blocks=blocks)]


def _volume(space: Space, gap: Extent, contents: Contents) -> Volume:
    return Volume(
        name=f"{space.name}@{gap.offset}",
        kind=contents.kind,
        state=contents.state,
        reason=contents.reason,
        blocks=part(space.blocks, gap.offset, gap.length),
    )
