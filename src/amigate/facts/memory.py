"""What an image holds of a machine's memory: in files, and in volumes for swap."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from amigate.check import InconclusiveError
from amigate.detect.hits import Sort
from amigate.facts import secrets
from amigate.facts.secrets import SEARCH, finding
from amigate.result import Finding

if TYPE_CHECKING:
    from amigate.evidence.inspection import InspectedVolume
    from amigate.evidence.model import Searched, View

NEEDS = secrets.NEEDS


@dataclass(frozen=True, kw_only=True)
class Memory:
    """Dumps, swap and images of hibernation."""

    searched: Searched
    volumes: tuple[InspectedVolume, ...] = ()
    """Those for swap; none of a folder, which has no volumes."""

    @classmethod
    def read(cls, view: View) -> Memory:
        """Take what was searched and inspected; raises InconclusiveError where nobody looked."""
        volumes = () if view.inspection is None else view.inspection.volumes
        swap = tuple(each for each in volumes if each.kind in {"swap", "swsuspend"})
        return cls(searched=view.search(SEARCH.key), volumes=swap)

    def findings(self) -> list[Finding]:
        """Find what was in memory."""
        files = [finding(each) for each in self.searched.found if each.sort is Sort.MEMORY and not each.package]
        return [*files, *(each for volume in self.volumes for each in _in_volume(volume))]

    def require_whole(self) -> None:
        """Raise InconclusiveError where something was not looked at."""
        self.searched.require_whole()
        for volume in self.volumes:
            if volume.kind == "swap" and volume.unclean_bytes is None:
                raise InconclusiveError(f"{volume.name}: what of the swap is written was not counted")


def _in_volume(volume: InspectedVolume) -> list[Finding]:
    if volume.kind == "swsuspend":
        return [Finding(subject=volume.name, detail="an image of hibernation: all that was in memory")]
    if volume.unclean_bytes:
        detail = f"swap with {volume.unclean_bytes // 1024} KiB in it that are not zeros"
        return [Finding(subject=volume.name, detail=detail)]
    return []
