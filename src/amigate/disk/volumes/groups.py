"""The volumes of LVM2 on the physical volumes that were found."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from amigate.disk.blocks import Extent, IncompleteError
from amigate.disk.volumes import lvm
from amigate.disk.volumes.contents import LVM, Contents, failed, look
from amigate.disk.volumes.leftovers import MEBIBYTE, Space, leftovers
from amigate.disk.volumes.lvm_label import read_label
from amigate.disk.volumes.signatures import telling
from amigate.disk.volumes.volume import State, Volume

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from amigate.disk.volumes.lvm import Device, Group, Logical

_HEAD_REASON = "LVM describes itself there; its written blocks are searched"


def of_physical(volumes: Sequence[Volume]) -> list[Volume]:
    """Return the physical volumes, what is left over in them, and the logical volumes on them."""
    devices, found = _labelled(volumes)
    known, damage = lvm.groups(list(devices.values()))
    logical: list[Logical] = []
    for group in known:
        try:
            logical += lvm.logical_volumes(group, devices)
        except OSError as error:
            found.append(_plain(group.name, failed(error, LVM)))
    for device in devices.values():
        volume = next(each for each in volumes if each.name == device.name and each.blocks is device.blocks)
        found += _physical(volume, device, known, damage.get(device.name, ""), logical)
    for each in logical:
        if each.blocks is not None:
            each.blocks.prefetch(telling(Extent(0, each.blocks.size)))
    return found + [_logical(each) for each in logical]


def _labelled(volumes: Sequence[Volume]) -> tuple[dict[str, Device], list[Volume]]:
    """Return the devices by id, and those that are none after all."""
    labels: list[tuple[Volume, Device]] = []
    failures: list[Volume] = []
    for volume in volumes:
        assert volume.blocks is not None
        try:
            label = read_label(volume.blocks)
            if label is None:
                raise IncompleteError("the label of the LVM physical volume is damaged")
            labels.append((volume, lvm.Device(name=volume.name, blocks=volume.blocks, label=label)))
        except OSError as error:
            failures.append(_as(volume, failed(error, LVM)))
    times = Counter(device.label.uuid for _, device in labels)
    twice = IncompleteError("several disks hold an LVM physical volume of the same id")
    failures += [_as(volume, failed(twice, LVM)) for volume, device in labels if times[device.label.uuid] > 1]
    return {device.label.uuid: device for _, device in labels if times[device.label.uuid] == 1}, failures


def _physical(
    volume: Volume, device: Device, known: Sequence[Group], damage: str, logical: Sequence[Logical]
) -> Iterator[Volume]:
    mine = [group for group in known if group.member(device)]
    if damage or (not mine and not device.label.areas):
        reason = damage or "the metadata of its LVM volume group is on none of the disks"
        yield replace(_as(volume, Contents(kind=LVM, state=State.INCOMPLETE, reason=reason)), blocks=None)
    else:
        what = ", ".join(group.name for group in mine)
        reason = f"it is read as the logical volumes of {what}" if mine else "it belongs to no LVM volume group"
        yield replace(_as(volume, Contents(kind=LVM, state=State.EXEMPT, reason=reason)), blocks=None)
    member = mine[0].member(device) if mine else None
    start, step = (member.start, mine[0].extent_bytes) if member else (MEBIBYTE, MEBIBYTE)
    taken = [
        Extent(piece.offset, piece.length) for each in logical for piece in each.pieces if piece.blocks is device.blocks
    ]
    yield from leftovers(
        Space(
            name=device.name,
            blocks=device.blocks,
            taken=taken,
            head=Extent(0, min(start, device.blocks.size)),
            head_kind="lvm-header",
            head_reason=_HEAD_REASON,
            step=step,
        )
    )


def _logical(volume: Logical) -> Volume:
    if volume.blocks is None:
        assert volume.error is not None
        return replace(_plain(volume.name, failed(volume.error)), uuid=volume.uuid)
    contents = look(volume.blocks)
    if contents.kind == LVM:
        reason = "an LVM physical volume within a logical volume is not read"
        contents = Contents(kind=LVM, state=State.UNSUPPORTED, reason=reason)
    return replace(_plain(volume.name, contents), uuid=volume.uuid, blocks=volume.blocks)


def _as(volume: Volume, contents: Contents) -> Volume:
    return replace(volume, kind=contents.kind, state=contents.state, reason=contents.reason)


def _plain(name: str, contents: Contents) -> Volume:
    return Volume(name=name, kind=contents.kind, state=contents.state, reason=contents.reason)
