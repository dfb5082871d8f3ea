"""To what the places of hits belong."""

from __future__ import annotations

import stat
from bisect import bisect_left
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from amigate.disk.carve.scan import Hit
    from amigate.disk.reader import Reader
    from amigate.disk.volumes.volume import Volume

_SWAP = frozenset({"swap", "swsuspend"})
_OUTSIDE = frozenset({"boot-area", "empty", "leftover", "lvm-header", "partition-table"})


class Place(StrEnum):
    """What a place on a disk is."""

    FILE = "file"
    """Content of a file that is there."""
    FREE = "free"
    """Nothing uses it: what is there was deleted, or moved."""
    IN_USE = "in-use"
    """The file system uses it, and not for a file's content: metadata, journal, what is in an inode, room that is set
    aside for a file, or the rest of the last block of one."""
    SWAP = "swap"
    OUTSIDE = "outside"
    """In no volume, or in one that holds no file system."""
    UNKNOWN = "unknown"
    """The file system is not read, or too damaged to tell."""


@dataclass(frozen=True, kw_only=True)
class Attributed:
    """A hit, and to what it belongs."""

    hit: Hit
    place: Place
    path: str = ""
    """In its volume, of one of the files that hold it: several may share a block, or have several names."""


def attribute(hits: Sequence[Hit], volume: Volume, reader: Reader | None) -> list[Attributed]:
    """Return to what each hit in a volume belongs, in the same order.

    A file that is compressed or encrypted holds what is not seen in its blocks, so no hit is in it; one whose blocks
    lie apart holds a hit only as far as one of its blocks does."""
    if reader is None:
        place = _without_files(volume)
        return [Attributed(hit=hit, place=place) for hit in hits]
    found = [Attributed(hit=hit, place=_by_map(reader, hit.offset)) for hit in hits]
    wanted = sorted({each.hit.offset for each in found if each.place != Place.FREE})
    paths, is_sure = _owners(reader, wanted) if wanted else ({}, True)
    return [_owned(each, paths.get(each.hit.offset, ""), is_sure=is_sure) for each in found]


def _without_files(volume: Volume) -> Place:
    if volume.kind in _SWAP:
        return Place.SWAP
    return Place.OUTSIDE if volume.kind in _OUTSIDE else Place.UNKNOWN


def _by_map(reader: Reader, offset: int) -> Place:
    """Return whether a place is free, by what the file system says of its blocks."""
    try:
        return Place.FREE if reader.is_free(offset) else Place.IN_USE
    except OSError:
        return Place.UNKNOWN


def _owned(found: Attributed, path: str, *, is_sure: bool) -> Attributed:
    if path:
        return replace(found, place=Place.FILE, path=path)
    if found.place == Place.IN_USE and not is_sure:
        return replace(found, place=Place.UNKNOWN)
    return found


def _owners(reader: Reader, offsets: list[int]) -> tuple[dict[int, str], bool]:
    """Return which file holds each of the ascending offsets, and whether every file was looked at."""
    owners: dict[int, str] = {}
    is_sure = True
    for path in _files(reader):
        try:
            for extent in reader.extents(path):
                index = bisect_left(offsets, extent.offset)
                while index < len(offsets) and offsets[index] < extent.end:
                    owners.setdefault(offsets[index], path)
                    index += 1
        except OSError:
            is_sure = False
        if len(owners) == len(offsets):
            break
    return owners, is_sure and not reader.damage


def _files(reader: Reader) -> Iterator[str]:
    """Yield the regular files that have content."""
    for path, inode in reader.walk():
        if stat.S_ISREG(inode.mode) and inode.size:
            yield path
