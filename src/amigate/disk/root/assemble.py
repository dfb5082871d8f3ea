"""Putting the volumes of an image together as its machine does."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from amigate.disk.blocks import IncompleteError
from amigate.disk.root import fstab, mount_units
from amigate.disk.root.choose import choose_root
from amigate.disk.root.devices import Devices
from amigate.disk.root.discovered import discovered
from amigate.disk.root.table import Mount, Table, Unseen
from amigate.disk.root.texts import text
from amigate.disk.root.tree import Tree
from amigate.disk.root.wanted import VIRTUAL, Wanted
from amigate.evidence.file_system import resolve

if TYPE_CHECKING:
    from collections.abc import Sequence

    from amigate.disk.root.part import Part
    from amigate.disk.volumes.volume import Volume
    from amigate.evidence.file_system import FileSystem

_MOST_MOUNTS = 1000


def assemble(parts: Sequence[Part]) -> Tree:
    """Return the tree of an image, from all volumes of all its disks.

    Raises IncompleteError where it cannot be told which the root is, or what is mounted."""
    devices = Devices(parts)
    root = choose_root(devices)
    table = Table(root)
    tree = Tree(table, parts)
    waiting = _wanted(tree, root, devices)
    while waiting:
        ready = next((each for each in waiting if _is_ready(each, waiting)), None)
        if ready is None:
            raise IncompleteError(f"{waiting[0].source} mounts in a circle: {waiting[0].where}")
        waiting.remove(ready)
        _mount(ready, tree, table, devices)
    return tree


def _wanted(tree: Tree, root: Part, devices: Devices) -> list[Wanted]:
    """Return what the machine mounts beside its root; units in /etc stand in for what fstab has in their place."""
    units = mount_units.enabled(tree)
    places = {unit.where for unit in units}
    lines = [line for line in fstab.parse(text(tree, fstab.PATH)) if line.where not in places]
    named = [each for each in (*units, *lines) if each.where != "/"]
    found = [*named, *discovered(tree, root, devices, [each.where for each in named])]
    if len(found) > _MOST_MOUNTS:
        raise IncompleteError(f"more than {_MOST_MOUNTS} things are to be mounted")
    return [each for each in found if each.is_mounted and (each.is_bind or each.kind not in VIRTUAL)]


def _is_ready(wanted: Wanted, waiting: Sequence[Wanted]) -> bool:
    """Whether nothing that waits is to be mounted around it, or around what it shows."""
    paths = (wanted.where, wanted.what) if wanted.is_bind else (wanted.where,)
    return not any(
        f"{path}/".startswith(f"{each.where}/") and (each.where != path or path == wanted.what)
        for each in waiting
        if each is not wanted
        for path in paths
    )


def _mount(wanted: Wanted, tree: Tree, table: Table, devices: Devices) -> None:
    """Put something in its place."""
    at = wanted.where
    try:
        at = _place(tree, at)
        if table.get(at) is not None:
            table.put(Unseen(at=at, reason="several things are to be mounted there"))
            return
        place = _bound(wanted, at, tree, table) if wanted.is_bind else _of_device(wanted, at, devices)
    except OSError as error:
        place = Unseen(at=at, reason=f"what {wanted.source} mounts there cannot be told: {error}")
    if place is not None:
        table.put(place)


def _place(files: FileSystem, where: str) -> str:
    """Return where a path leads, whether it is there or is to be made; raises OSError where that cannot be told."""
    missing: list[str] = []
    while True:
        try:
            return posixpath.join(resolve(files, where), *missing)
        except FileNotFoundError:
            where, name = posixpath.split(where)
            missing.insert(0, name)


def _bound(wanted: Wanted, at: str, tree: Tree, table: Table) -> Mount | Unseen:
    mount, inner = table.find(resolve(tree, wanted.what))
    return Mount(at=at, part=mount.part, inner=inner)


def _of_device(wanted: Wanted, at: str, devices: Devices) -> Mount | Unseen | None:
    """Return the mount of a device; None where the machine shows its own folder there."""
    if wanted.is_network:
        reason = f"{wanted.source} mounts a network file system ({wanted.kind}) there"
        return Unseen(at=at, reason=reason, is_elsewhere=True)
    found = devices.named(wanted.what)
    if len(found) > 1:
        names = ", ".join(part.volume.name for part in found)
        return Unseen(at=at, reason=f"{wanted.source} mounts {wanted.what} there, which several volumes are: {names}")
    if found:
        return _of_volume(found[0], wanted, at)
    if "nofail" in wanted.options and not devices.may_be_here(wanted.what):
        return None
    return Unseen(at=at, reason=f"{wanted.source} mounts {wanted.what} there, which is none of the volumes read")


def _of_volume(part: Part, wanted: Wanted, at: str) -> Mount | Unseen:
    if part.reader is not None:
        return Mount(at=at, part=part, inner=wanted.subfolder)
    return Unseen(at=at, reason=f"{part.volume.name} is mounted there, {_why(part.volume)}", volume=part.volume)


def _why(volume: Volume) -> str:
    return volume.reason or "whose file system is not read"
