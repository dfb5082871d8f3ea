"""What systemd-gpt-auto-generator(8) mounts by the types of partitions, where fstab does not say otherwise.

https://uapi-group.org/specifications/specs/discoverable_partitions_specification/; that a partition is flagged as not
to be mounted is not seen, so it may be shown where the machine leaves it alone."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING
from uuid import UUID

from amigate.disk.root.texts import is_there, text
from amigate.disk.root.wanted import Wanted
from amigate.evidence.file_system import LoopError, resolve

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from amigate.disk.root.devices import Devices
    from amigate.disk.root.part import Part
    from amigate.evidence.file_system import FileSystem

_GENERATORS = tuple(f"{folder}/systemd/system-generators/systemd-gpt-auto-generator" for folder in ("/usr/lib", "/lib"))
_VAR = "4d21b016-b534-45c2-a9fb-5c16e091fd2d"
_PLACES = {
    "933ac7e1-2eb4-4f13-b844-0e14e2aef915": "/home",
    "3b8f8425-20e0-4f3b-907f-1a25a76f98e8": "/srv",
    _VAR: "/var",
    "7ec6f557-3bc5-4aca-b293-16ef5df639d1": "/var/tmp",  # noqa: S108 - a mount point
}
_ESP = frozenset({"c12a7328-f81f-11d2-ba4b-00a0c93ec93b", "0xef"})
"""Of the EFI system partition, by either table."""
_XBOOTLDR = "bc13c2ff-59e6-4262-a352-b275fd6f7172"
_GPT_TYPE_CHARACTERS = 36
LOOKED_FOR = (*_GENERATORS, "/boot", "/efi", "/home", "/srv", "/var/tmp")  # noqa: S108 - mount points
"""What is looked for in a root."""


def discovered(files: FileSystem, root: Part, devices: Devices, named: Iterable[str]) -> Iterator[Wanted]:
    """Yield what is mounted by its type; `named` are the places that are mounted by name.

    Raises OSError where it cannot be told."""
    if len(root.volume.type) != _GPT_TYPE_CHARACTERS or not any(is_there(files, path) for path in _GENERATORS):
        return
    taken = set(named)
    beside = [part for part in devices.parts if part.disk == root.disk and part.is_partition and part is not root]
    for kind, where in _PLACES.items():
        for part in (part for part in beside if part.volume.type == kind):
            if where not in taken and _is_empty(files, where) and (kind != _VAR or _is_of_machine(files, part)):
                yield _wanted(part, where)
    if any(f"{where}/".startswith(("/boot/", "/efi/")) for where in taken):
        return
    loaders = [part for part in beside if part.volume.type == _XBOOTLDR]
    for part in loaders:
        if _is_empty(files, "/boot"):
            yield _wanted(part, "/boot")
    for part in beside:
        where = "/efi" if loaders or not _is_empty(files, "/boot") else "/boot"
        if part.volume.type in _ESP and _is_empty(files, where):
            yield _wanted(part, where)


def _wanted(part: Part, where: str) -> Wanted:
    return Wanted(what=f"PARTUUID={part.volume.uuid}", where=where, source="systemd-gpt-auto-generator")


def _is_empty(files: FileSystem, where: str) -> bool:
    """Whether something could be mounted there, as its path_is_busy() tells."""
    try:
        return next(iter(files.listdir(resolve(files, where))), None) is None
    except FileNotFoundError:
        return True
    except (NotADirectoryError, LoopError):
        return False


def _is_of_machine(files: FileSystem, part: Part) -> bool:
    """Whether /var was made for this machine: its id is an HMAC of the type under the machine-id."""
    try:
        key = bytes.fromhex(text(files, "/etc/machine-id").decode("ascii").strip())
    except ValueError:
        return False
    digest = hmac.new(key, UUID(_VAR).bytes, hashlib.sha256).digest()[:16]
    return str(UUID(bytes=digest, version=4)) == part.volume.uuid
