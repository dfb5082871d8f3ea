"""Mutants of one image, judged by what is told of the image itself."""

from __future__ import annotations

import random
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from tests.contract.disk.fuzz.any_checksum import any_checksum
from tests.contract.disk.fuzz.device import Image, Mutant
from tests.contract.disk.fuzz.kinds import KINDS
from tests.contract.disk.fuzz.outcome import Result
from tests.contract.disk.fuzz.strategies import mutated
from tests.contract.disk.fuzz.truth import files_of, parts_of, places_of, truth_of

from amigate.disk.formats import Format
from amigate.disk.qcow2 import Qcow2
from amigate.disk.volumes.volume import Volume
from amigate.disk.witness.inspect import inspect, state_of
from amigate.evidence import codec, strict
from amigate.evidence.model import View
from amigate.evidence.redaction.redactor import Redactor
from amigate.facts.catalogue import ALL

if TYPE_CHECKING:
    from tests.contract.disk.fuzz.truth import Truth

    from amigate.disk.blocks import Blocks

REPAIRED = 0.3
"""Share of mutants whose checksums are taken for right."""


class Judge:
    """Judges mutants of one image."""

    def __init__(self, name: str, image: bytes) -> None:
        self._name = name
        self._kind = KINDS[name]
        self._image = Image(image)
        self._redactor = Redactor()
        self._places = places_of(image, self._kind)
        self._view = self._seen(Mutant(self._image))
        assert is_whole(self._view), self._view.inspection

    @cached_property
    def _truth(self) -> Truth:
        return truth_of(self._image)

    def mutant(self, seed: int) -> tuple[Mutant, bool]:
        """Return a mutant, and whether its checksums are to be taken for right."""
        dice = random.Random(f"{self._name} {seed}")  # noqa: S311 - the same mutant each time
        is_repaired = self._kind.is_repaired and dice.random() < REPAIRED
        return mutated(self._image, self._places, dice), is_repaired

    def look(self, mutant: Mutant, *, is_repaired: bool) -> tuple[Result, str]:
        """Return what becomes of a mutant; raises what is raised."""
        if is_repaired:
            with any_checksum():
                return self._freely(self._seen(mutant))
        view = self._seen(mutant)
        return self._strictly(mutant, view) if self._kind.has_checksums else self._freely(view)

    def _seen(self, device: Blocks) -> View:
        """Return the view of a disk as the parent gets it from the child."""
        disks: list[tuple[str, Blocks]] = []
        broken: list[Volume] = []
        try:
            disks.append(("disk", Qcow2(device) if self._kind.format is Format.QCOW2 else device))
        except OSError as error:
            broken.append(Volume(name="disk", kind="unknown", state=state_of(error), reason=str(error)))
        view = inspect(disks, ALL, self._redactor, broken=broken)
        return strict.decode(View, strict.parse(codec.written(codec.plain(view))), "disk")

    def _freely(self, view: View) -> tuple[Result, str]:
        if not is_whole(view):
            return Result.TOLD, ""
        return (Result.EQUAL if files_seen(view) == files_seen(self._view) else Result.OTHER), ""

    def _strictly(self, mutant: Mutant, view: View) -> tuple[Result, str]:
        if not is_whole(view):
            return Result.TOLD, ""
        try:
            files = files_of(parts_of(mutant, self._kind.format))
        except OSError as error:
            return Result.SILENT, f"what was inspected cannot be read: {error}"
        expected = self._truth.expected(mutant)
        wrong = sorted(key for key in files.keys() | expected.keys() if files.get(key) != expected.get(key))
        if any(files.get(key, (None, ""))[1] is not None for key in wrong):
            is_older = self._truth.is_in_journal(mutant)
            return (Result.OTHER if is_older else Result.SILENT), f"{len(wrong)} entries: {wrong[:3]}"
        if not free_seen(view) <= free_seen(self._view) and not self._truth.is_in_journal(mutant):
            return Result.SILENT, "another free space"
        if files == self._truth.files and files_seen(view) != files_seen(self._view):
            return Result.SILENT, "the same files, another view"
        return (Result.TOLD if wrong else Result.CONTENT if files != self._truth.files else Result.EQUAL), ""


def is_whole(view: View) -> bool:
    """Whether the inspection says that nothing was passed over."""
    inspection = view.inspection
    return bool(
        not view.broken
        and inspection
        and inspection.volumes
        and all(volume.is_told for volume in inspection.volumes)
        and not inspection.gaps
        and not any(searched.gaps for searched in view.searches.values())
    )


def free_seen(view: View) -> set[tuple[str, int]]:
    """Return how much is free in each volume of which that was counted."""
    volumes = view.inspection.volumes if view.inspection else ()
    return {(each.name, each.free_bytes) for each in volumes if each.free_bytes is not None}


def files_seen(view: View) -> View:
    """Return what is told of files, without what is told of bytes."""
    return replace(view, inspection=None)
