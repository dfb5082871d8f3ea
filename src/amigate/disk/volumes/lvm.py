"""Volume groups of LVM2: which logical volumes lie where on the physical volumes.

Read without the device mapper: linear and striped segments; the others are told by name. The metadata with the highest
sequence number counts, as for LVM (lib/metadata/metadata.c, vg_read)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from amigate.disk.blocks import Extent, IncompleteError, UnsupportedError
from amigate.disk.pieces import Piece, Pieces, Stripes, part
from amigate.disk.volumes.lvm_label import Label, read_text
from amigate.disk.volumes.lvm_text import Section, number, parse, section, string

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from amigate.disk.blocks import Blocks

_SECTOR = 512
_MOST_SEGMENTS = 100_000
_MOST_STRIPES = 128
_MOST_VOLUMES = 10_000
_TEXT_BYTES = 1 << 20
"""Of a metadata area, as large as LVM makes them."""
_NAME = re.compile(r"[A-Za-z0-9+_.-]{1,128}")
_FORMAT_WORDS = frozenset({"contents", "version", "description", "creation_host", "creation_time"})


@dataclass(frozen=True, kw_only=True)
class Device:
    """A physical volume: a device with a label."""

    name: str
    blocks: Blocks
    label: Label


@dataclass(frozen=True, kw_only=True)
class Physical:
    """A physical volume as its group knows it."""

    uuid: str
    """Without hyphens."""
    start: int
    """Where its extents begin, in bytes."""
    extents: int


@dataclass(frozen=True, kw_only=True)
class Group:
    """A volume group."""

    name: str
    uuid: str
    sequence: int
    """How many times its metadata was changed."""
    extent_bytes: int
    physical: Mapping[str, Physical]
    logical: Section

    def member(self, device: Device) -> Physical | None:
        """Return a device as a member of this group, None if it is none."""
        return next((each for each in self.physical.values() if each.uuid == device.label.uuid), None)


@dataclass(frozen=True, kw_only=True)
class Logical:
    """A logical volume, or why it cannot be read."""

    name: str
    """`GROUP/VOLUME`."""
    uuid: str
    blocks: Blocks | None = None
    error: OSError | None = None
    pieces: tuple[Piece, ...] = ()
    """Where it lies on physical volumes."""


def groups(devices: Sequence[Device]) -> tuple[list[Group], dict[str, str]]:
    """Return the groups that devices tell of, and by the name of a device why its metadata cannot be read."""
    found: dict[str, Group] = {}
    damage: dict[str, str] = {}
    for device in devices:
        device.blocks.prefetch([Extent(area.offset, min(area.length, _TEXT_BYTES)) for area in device.label.areas])
    for device in devices:
        for area in device.label.areas:
            try:
                text = read_text(device.blocks, area)
                group = _group(parse(text)) if text else None
            except OSError as error:
                damage[device.name] = str(error)
                continue
            if group and (group.uuid not in found or group.sequence > found[group.uuid].sequence):
                found[group.uuid] = group
    return list(found.values()), damage


def _group(tree: Section) -> Group:
    names = [name for name in tree if name not in _FORMAT_WORDS]
    if len(names) != 1 or not _NAME.fullmatch(names[0]):
        raise IncompleteError("the LVM metadata does not describe one volume group")
    group = section(tree, names[0])
    physical = section(group, "physical_volumes")
    extent_bytes = number(group, "extent_size") * _SECTOR
    if not extent_bytes:
        raise IncompleteError("the LVM metadata has extents without a size")
    return Group(
        name=names[0],
        uuid=string(group, "id"),
        sequence=number(group, "seqno"),
        extent_bytes=extent_bytes,
        physical={name: _physical(section(physical, name)) for name in physical},
        logical=section(group, "logical_volumes"),
    )


def _physical(tree: Section) -> Physical:
    return Physical(
        uuid=string(tree, "id").replace("-", ""),
        start=number(tree, "pe_start") * _SECTOR,
        extents=number(tree, "pe_count"),
    )


def logical_volumes(group: Group, devices: Mapping[str, Device]) -> list[Logical]:
    """Return every logical volume of a group; `devices` are the physical volumes by id.

    Raises IncompleteError where the group cannot have such volumes."""
    if len(group.logical) > _MOST_VOLUMES:
        raise IncompleteError(f"the volume group {group.name} has more than {_MOST_VOLUMES} volumes")
    if not all(_NAME.fullmatch(name) for name in group.logical):
        raise IncompleteError(f"the volume group {group.name} has a volume of a name that cannot be")
    return [_Map(group, devices).volume(name) for name in group.logical]


class _Map:
    """Finds the bytes of one logical volume."""

    def __init__(self, group: Group, devices: Mapping[str, Device]) -> None:
        self._group = group
        self._devices = devices
        self._pieces: list[Piece] = []

    def volume(self, name: str) -> Logical:
        """Return the volume; why it cannot be read is told in it."""
        full, uuid = f"{self._group.name}/{name}", ""
        try:
            tree = section(self._group.logical, name)
            uuid = string(tree, "id")
            return Logical(name=full, uuid=uuid, blocks=self._blocks(tree), pieces=tuple(self._pieces))
        except OSError as error:
            return Logical(name=full, uuid=uuid, error=error)

    def _blocks(self, tree: Section) -> Blocks:
        count = number(tree, "segment_count")
        if not 0 < count <= _MOST_SEGMENTS:
            raise IncompleteError(f"it has {count} segments")
        segments = [section(tree, f"segment{index}") for index in range(1, count + 1)]
        kinds = sorted({string(each, "type") for each in segments} - {"striped", "linear"})
        if kinds:
            raise UnsupportedError(f"it is of the type {', '.join(kinds)[:64]}, which is not read")
        found: list[Piece] = []
        done = 0
        for each in segments:
            if number(each, "start_extent") != done:
                raise IncompleteError("its segments are not one after the other")
            done += number(each, "extent_count")
            found.append(self._segment(each))
        return Pieces(found)

    def _segment(self, tree: Section) -> Piece:
        stripes = tree.get("stripes")
        count = number(tree, "stripe_count")
        if not isinstance(stripes, list) or not 0 < count <= _MOST_STRIPES or len(stripes) != 2 * count:
            raise IncompleteError("a segment does not say where it lies")
        length, rest = divmod(number(tree, "extent_count"), count)
        if rest or not length:
            raise IncompleteError("a segment has a length that cannot be")
        places = [self._place(*each, length) for each in zip(stripes[::2], stripes[1::2], strict=True)]
        self._pieces += places
        if count == 1:
            return places[0]
        chunk = number(tree, "stripe_size") * _SECTOR
        blocks = Stripes([part(each.blocks, each.offset, each.length) for each in places], chunk)
        return Piece(blocks, 0, blocks.size)

    def _place(self, name: int | str, first: int | str, extents: int) -> Piece:
        """Return a run of extents of a physical volume."""
        physical = self._group.physical.get(str(name))
        if physical is None:
            raise UnsupportedError("it lies on another logical volume")
        if not isinstance(first, int) or not 0 <= first <= physical.extents - extents:
            raise IncompleteError("a segment lies beyond the end of its physical volume")
        device = self._devices.get(physical.uuid)
        if device is None:
            raise IncompleteError("it lies on a physical volume that is on none of the disks")
        size = self._group.extent_bytes
        piece = Piece(device.blocks, physical.start + first * size, extents * size)
        Pieces([piece])  # raises unless it is all there
        return piece
