"""What the disks of an image hold as bytes: volumes that were not read, secrets to be recovered, unclean free space."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from amigate.check import InconclusiveError, NotApplicableError
from amigate.detect.hits import Sort
from amigate.evidence.questions import Needs
from amigate.facts.host_keys import CLOCK
from amigate.result import Finding

if TYPE_CHECKING:
    from amigate.evidence.inspection import InspectedVolume, Inspection, Recovered
    from amigate.evidence.model import View

_PLACES = {
    "file": "",
    "free": "in free space: it was deleted and is still there",
    "in-use": "outside of files, in what the file system keeps for itself",
    "swap": "in swap",
    "outside": "outside of all file systems",
    "unknown": "in a place whose owner cannot be told",
}
_KINDS = {"private-key": "a private key", "aws-access-key": "an AWS credential", "password-hash": "a password hash"}
_JUDGED_AS_FILES = {
    "private-key": frozenset({Sort.PRIVATE_KEY, Sort.HOST_KEY}),
    "aws-access-key": frozenset({Sort.AWS_KEY, Sort.AWS_FILE}),
}
"""What rules about files look for in files, knowing what packages ship; and what they say where they see it."""

_ENCRYPTED = frozenset({"BitLocker", "crypto_LUKS"})
"""Also among the reasons why a volume was not read that looks like two things at once."""
_EXT_ENCRYPTION = "ext4 feature encrypt "
"""As `disk.ext.features` refuses what has folders that are encrypted."""
_NO_FILE_SYSTEM = frozenset(
    {
        "LVM2_member",
        "boot-area",
        "empty",
        "leftover",
        "lvm-header",
        "partition-table",
        "swap",
        "swsuspend",
        "unknown",
    }
)
"""Kinds of exempt volumes in which there is no free space that could be told from the rest."""


@dataclass(frozen=True, kw_only=True)
class Disks:
    """What was seen of the disks."""

    inspection: Inspection
    seen: frozenset[tuple[str, Sort]] = frozenset()
    """Path and sort of what the search of all files found."""

    @classmethod
    def read(cls, view: View) -> Disks:
        """Take what was inspected; raises InconclusiveError where nothing could be, NotApplicableError of a folder."""
        if view.inspection is not None:
            searched = () if view.broken else view.searches.values()
            seen = frozenset((found.path, found.sort) for each in searched for found in each.found)
            return cls(inspection=view.inspection, seen=seen)
        if not view.broken and view.is_at_rest(CLOCK.key):
            raise NotApplicableError("a directory has files alone, and neither volumes nor free space")
        raise InconclusiveError(view.broken or "the disks of the image were not looked at")

    def require_looked_at(self) -> None:
        """Raise InconclusiveError where the bytes of no disk were looked at."""
        self._require_any_volume()

    def require_every_volume(self) -> None:
        """Raise InconclusiveError where a volume was not read; names them all."""
        self._require_any_volume()
        unread = [_unread(volume) for volume in self.inspection.volumes if not volume.is_told]
        if unread:
            raise InconclusiveError("; ".join(unread))

    def encrypted(self) -> list[Finding]:
        """Find the volumes that are encrypted."""
        return [
            Finding(subject=volume.name, detail=f"it is encrypted ({volume.kind})")
            for volume in self.inspection.volumes
            if volume.kind in _ENCRYPTED or any(each in volume.reason for each in (*_ENCRYPTED, _EXT_ENCRYPTION))
        ]

    def recoverable(self) -> list[Finding]:
        """Find the secrets that can be read off the disks, each once for each place.

        A key that the search of all files saw is judged by the rules about files, and so is every copy of it; a
        password hash counts wherever it is. What a package brought, and what libraries test themselves with, is no
        secret."""
        judged = {each.fingerprint for each in self.inspection.recovered if each.package or self._is_seen(each)}
        found = [
            each
            for each in self.inspection.recovered
            if not (each.is_published or each.package or (each.kind in _JUDGED_AS_FILES and each.fingerprint in judged))
        ]
        return list(dict.fromkeys(map(_finding, found)))

    def unclean(self, at_most_percent: float) -> list[Finding]:
        """Find the file systems with more than `at_most_percent` of their free space in blocks that are not all zeros.

        Raises InconclusiveError for a limit that is none."""
        if type(at_most_percent) not in {int, float} or not 0 <= at_most_percent <= 100:  # noqa: PLR2004 - all of it
            raise InconclusiveError("the setting at_most_percent is no number from 0 to 100")
        return [
            Finding(
                subject=f"{volume.name} ({volume.kind})",
                detail=f"{_unclean(free, unclean)} (at most {at_most_percent:g} %)",
            )
            for volume, free, unclean in self._counted()
            if unclean * 100 > free * at_most_percent
        ]

    def require_free_space_counted(self) -> None:
        """Raise InconclusiveError where that of a file system was not, NotApplicableError where there is none."""
        self._require_any_volume()
        counted = [volume for volume, _, _ in self._counted()]
        without = [each for each in self.inspection.volumes if each.state == "exempt" and each.kind in _NO_FILE_SYSTEM]
        uncounted = [_uncounted(each) for each in self.inspection.volumes if each not in counted + without]
        if uncounted:
            raise InconclusiveError("; ".join(uncounted))
        if not counted:
            raise NotApplicableError("the image holds no file system")

    def _counted(self) -> list[tuple[InspectedVolume, int, int]]:
        """Return the volumes of whose free space there is a count, and the bytes: all, and those of unclean blocks."""
        return [
            (volume, volume.free_bytes, volume.unclean_bytes)
            for volume in self.inspection.volumes
            if volume.kind not in _NO_FILE_SYSTEM and volume.free_bytes is not None and volume.unclean_bytes is not None
        ]

    def _require_any_volume(self) -> None:
        if not self.inspection.volumes:
            raise InconclusiveError("the image has no disk that could be looked at")

    def _is_seen(self, each: Recovered) -> bool:
        return any((each.path, sort) in self.seen for sort in _JUDGED_AS_FILES.get(each.kind, ()))


def _finding(each: Recovered) -> Finding:
    whole = "" if each.is_whole else "part of "
    locked = " behind a passphrase" if each.is_encrypted else ""
    what = f"{whole}{_KINDS[each.kind]} ({each.what}){locked}"
    if each.place == "file":
        return Finding(path=each.path, detail=what, fingerprint=_public(each))
    at = f"{each.volume} at byte {each.offset}"
    return Finding(subject=at, detail=f"{what}, {_PLACES[each.place]}", fingerprint=_public(each))


def _public(each: Recovered) -> str:
    """Return the fingerprint of a key; a digest that is keyed tells nobody anything."""
    return each.fingerprint if each.fingerprint.startswith("SHA256:") else ""


def _unread(volume: InspectedVolume) -> str:
    return f"{volume.name} ({volume.kind}) is {volume.state}: {volume.reason}"


def _uncounted(volume: InspectedVolume) -> str:
    if not volume.is_told and not volume.uncounted:
        return _unread(volume)
    words = (f"{volume.name} ({volume.kind})", "its free space was not counted", volume.uncounted or volume.reason)
    return ": ".join(filter(None, words))


def _unclean(free_bytes: int, unclean_bytes: int) -> str:
    """Say how much is unclean; never less than it is, so that it does not read as the limit that it is above."""
    percent = math.ceil(unclean_bytes / free_bytes * 10_000) / 100
    return f"{percent:g} % of its free space is not zeros, {_size(unclean_bytes)} of {_size(free_bytes)}"


def _size(count: int) -> str:
    """Return a number of bytes as `1.4 GiB`."""
    units = ("KiB", "MiB", "GiB", "TiB")
    step = min(max(count.bit_length() - 11, 0) // 10, len(units) - 1)
    return f"{count / (1024 << 10 * step):.1f} {units[step]}"


NEEDS = Needs(first=(CLOCK,))
