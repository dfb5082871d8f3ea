"""One pass over the bytes of all volumes: secrets in them, with whose bytes they are, and how clean free space is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from amigate.disk.carve.attribute import Place, attribute
from amigate.disk.carve.scan import MOST_HITS, carve
from amigate.disk.witness.free_count import FreeCount, Swap
from amigate.evidence.inspection import Recovered
from amigate.evidence.shipped import shipped

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from amigate.disk.blocks import Blocks
    from amigate.disk.carve.attribute import Attributed
    from amigate.disk.root.part import Part
    from amigate.disk.volumes.volume import Volume
    from amigate.disk.witness.files import Files
    from amigate.evidence.redaction.kept import Mac

MOST_KEPT = 2000
"""Secrets of one image, all kinds together."""


@dataclass
class Search:
    """What was found in the volumes so far."""

    found: list[Recovered] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)
    searched_bytes: int = 0
    free: list[FreeCount | None] = field(default_factory=list)
    """Of each volume that was looked through, in their order; None of one that holds neither a file system that is
    read nor swap."""


def recover(parts: Sequence[Part], disks: Sequence[tuple[str, Blocks]], files: Files | None, mac: Mac) -> Search:
    """Look through all written bytes of all volumes; `files` names the files that hold what is found."""
    going = Search()
    for part in parts:
        volume = part.volume
        count = FreeCount(part.reader) if part.reader is not None else _of_swap(volume)
        going.free.append(count)
        if volume.blocks is None:
            if volume.kind != "LVM2_member" or volume.state == "incomplete":
                going.gaps.append(f"{volume.name}: {volume.reason or 'its bytes could not be found'}")
            continue
        carved = carve(volume, mac, disks=disks, also=count.feed if count else None)
        going.searched_bytes += carved.searched_bytes
        if carved.unseen:
            going.gaps.append(f"{volume.name}: {carved.unseen}")
        if count:
            count.finish(carved.unseen)
        if carved.capped:
            going.gaps.append(f"{volume.name}: it holds more than {MOST_HITS} secrets of a kind")
        going.found += _owned(attribute(carved.hits, volume, part.reader), part, files)
    if len(going.found) > MOST_KEPT:
        going.gaps.append(f"there are more than {MOST_KEPT} secrets in the bytes of the image")
    return going


def _of_swap(volume: Volume) -> FreeCount | None:
    """Count what of a volume of swap is not zeros; None for another."""
    return FreeCount(Swap(volume)) if volume.kind == "swap" and volume.blocks is not None else None


def _owned(found: Sequence[Attributed], part: Part, files: Files | None) -> list[Recovered]:
    name: Callable[[str], str] = lambda path: files.name(part, path) if files else f"{part.prefix}{path}"  # noqa: E731
    paths = {each.path: name(each.path) for each in found if each.place is Place.FILE}
    packages = shipped(files, set(paths.values())) if files and paths else {}
    return [_recovered(each, paths.get(each.path, ""), packages) for each in found]


def _recovered(each: Attributed, path: str, packages: dict[str, str]) -> Recovered:
    hit = each.hit
    return Recovered(
        kind=hit.kind.value,
        what=hit.what,
        volume=hit.volume,
        offset=hit.offset,
        place=each.place.value,
        path=path,
        package=packages.get(path, ""),
        fingerprint=hit.fingerprint,
        is_encrypted=hit.is_encrypted,
        is_whole=hit.is_whole,
        is_published=hit.is_published,
    )
