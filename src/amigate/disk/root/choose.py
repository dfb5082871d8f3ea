"""Which volume holds the root file system."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amigate.disk.blocks import IncompleteError
from amigate.disk.root import boot_config, fstab
from amigate.disk.root.texts import is_there, text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from amigate.disk.root.devices import Devices
    from amigate.disk.root.part import Part
    from amigate.evidence.file_system import FileSystem

ROOT_TYPES = frozenset(
    {
        "4f68bce3-e8cd-4db1-96e7-fbcaf984b709",  # x86-64
        "b921b045-1df0-41c3-af44-4c6f280d3fae",  # 64-bit Arm
        "44479540-f297-41b2-9af7-d131d5f0458a",  # 32-bit x86
    }
)
"""Of what EC2 runs: https://uapi-group.org/specifications/specs/discoverable_partitions_specification/"""
_SETTINGS = ("/etc/fstab", "/etc/os-release", "/etc/passwd")
_PROGRAMS = ("/usr", "/bin")
SIGNS = (*_SETTINGS, *_PROGRAMS)
"""A root has one of either."""


def choose_root(devices: Devices) -> Part:
    """Return the volume that holds the root file system.

    Where several could, or one that is not read could, it is the one that the boot loader's configuration names, else
    fstab, else the partition's type; raises IncompleteError where none of them names one alone, or they disagree."""
    found: list[Part] = []
    unsure: list[Part] = []
    for part in devices.parts:
        try:
            if part.reader is not None and looks_like_root(part.reader):
                found.append(part)
        except OSError:
            unsure.append(part)
    unsure += [part for part in devices.parts if part.may_hold_files]
    if not found:
        raise IncompleteError(f"none of the file systems that are read holds a root{_beside(unsure)}")
    named = _named(devices, found)
    if named is None:
        if len(found) == 1 and not unsure:
            return found[0]
        raise IncompleteError(f"which file system is the root cannot be told: {_names(found)}{_beside(unsure)}")
    if named not in found:
        raise IncompleteError(f"the root is {named.volume.name}, which cannot be read as one")
    return named


def looks_like_root(files: FileSystem) -> bool:
    """Whether a file system has what a root has; raises OSError where that cannot be told."""
    return all(any(is_there(files, path) for path in paths) for paths in (_SETTINGS, _PROGRAMS))


def _named(devices: Devices, found: Sequence[Part]) -> Part | None:
    """Return the volume that is named as root, None where nothing names any; raises IncompleteError for several."""
    claims = {
        "the boot loader": _by(devices, devices.parts, found, boot_config.roots),
        fstab.PATH: _by(devices, found, found, _root_in_fstab),
        "their type": [part for part in devices.parts if part.volume.type in ROOT_TYPES],
    }
    said = {who: parts for who, parts in claims.items() if parts}
    if not said:
        return None
    (strongest, first), *others = said.items()
    if len(first) > 1:
        raise IncompleteError(f"several file systems are named as root by {strongest}: {_names(first)}")
    for who, parts in others:
        if len(parts) == 1 and parts != first:
            raise IncompleteError(f"{strongest} and {who} name different roots: {_names([*first, *parts])}")
    return first[0]


def _by(
    devices: Devices, parts: Iterable[Part], found: Sequence[Part], roots: Callable[[FileSystem], Iterable[str]]
) -> list[Part]:
    """Return the volumes that something in `parts` names as root.

    What cannot be read in a candidate raises IncompleteError; another file system that cannot be read names none."""
    names: set[str] = set()
    for part in parts:
        try:
            names.update(roots(part.reader) if part.reader is not None else ())
        except OSError as error:
            if part in found:
                raise IncompleteError(f"{part.prefix}: what it names as root cannot be read: {error}") from error
    return list(dict.fromkeys(part for name in sorted(names) for part in devices.named(name)))


def _root_in_fstab(files: FileSystem) -> list[str]:
    return [line.what for line in fstab.parse(text(files, fstab.PATH)) if line.where == "/"]


def _names(parts: Iterable[Part]) -> str:
    return ", ".join(sorted(part.volume.name for part in parts))


def _beside(unsure: Sequence[Part]) -> str:
    return f"; what is in {_names(unsure)} is not known" if unsure else ""
