"""Which volume a device's name means: the names of fstab(5), and the links that udev makes below /dev."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from amigate.disk.root.part import Part

_TAG = re.compile(r"(UUID|LABEL|PARTUUID|PARTLABEL)=([\"']?)(.*)\2", re.DOTALL)
_LINK = re.compile(r"/dev/disk/by-(uuid|label|partuuid|partlabel)/([^/]+)", re.DOTALL)
_MAPPED = re.compile(r"/dev/(?:mapper/|disk/by-id/dm-name-)([^/]+)", re.DOTALL)
_FIRST = re.compile(r"/dev/(?:(?:sd|xvd|vd|hd)a|nvme0n1(?:p(?=[0-9])|$))([0-9]{0,3})")
"""The first disk by the names of the kernel, and a number of a partition."""
_KERNEL = re.compile(r"/dev/(?:(?:sd|xvd|vd|hd)[a-z]{1,2}[0-9]{0,3}|nvme[0-9]{1,3}n1(?:p[0-9]{1,3})?)")
_GROUP = re.compile(r"/dev/(?!disk/)[^/]+/[^/]+", re.DOTALL)
_ESCAPED = re.compile(rb"\\x([0-9a-fA-F]{2})")


class Devices:
    """The volumes of an image by their names."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self.parts = parts
        disks = {part.disk for part in parts if part.disk}
        self._disk = disks.pop() if len(disks) == 1 else None

    def named(self, name: str) -> list[Part]:
        """Return what a name means: nothing where it means no volume of the image, several where they are alike."""
        if match := _TAG.fullmatch(name):
            return self._tagged(match[1], match[3])
        if match := _LINK.fullmatch(name):
            return self._tagged(match[1].upper(), _unescaped(match[2]))
        if match := _FIRST.fullmatch(name):
            return self._numbered(match[1])
        logical = [part for part in self.parts if part.is_logical]
        if match := _MAPPED.fullmatch(name):
            return [part for part in logical if _mapped(part.volume.name) == match[1]]
        return [part for part in logical if f"/dev/{part.volume.name}" == name]

    def may_be_here(self, name: str) -> bool:
        """Whether a name that means no volume may nevertheless mean one: one whose UUID and label are not read."""
        is_told = any(form.fullmatch(name) for form in (_TAG, _LINK, _GROUP)) or (
            self._disk is not None and _KERNEL.fullmatch(name)
        )
        return not is_told or any(part.may_hold_files for part in self.parts)

    def _tagged(self, tag: str, value: str) -> list[Part]:
        match tag:
            case "UUID":
                alike = (part for part in self.parts if part.reader and value.lower() == part.reader.uuid.lower())
            case "LABEL":
                alike = (part for part in self.parts if part.reader and value == part.reader.label)
            case "PARTUUID":
                alike = (part for part in self.parts if part.is_partition and value.lower() == part.volume.uuid.lower())
            case _:
                alike = (part for part in self.parts if part.is_partition and value == part.volume.label)
        return list(alike) if value else []

    def _numbered(self, number: str) -> list[Part]:
        """Return a partition of the only disk; of several, nobody knows which the kernel calls the first."""
        if self._disk is None:
            return []
        name = f"{self._disk}/p{int(number)}" if number else self._disk
        return [part for part in self.parts if part.volume.name == name and part.is_partition == bool(number)]


def _mapped(name: str) -> str:
    """Return the name that device-mapper has for `GROUP/VOLUME`."""
    return "-".join(each.replace("-", "--") for each in name.split("/", 1))


def _unescaped(name: str) -> str:
    """Undo udev's escapes, which stand for bytes."""
    raw = _ESCAPED.sub(lambda match: bytes.fromhex(match[1].decode()), name.encode("utf-8", "surrogateescape"))
    return raw.decode("utf-8", "surrogateescape")
