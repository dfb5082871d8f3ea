"""The work of the child: disks in, the view of the image at rest out."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from amigate.disk.blocks import UnsupportedError
from amigate.disk.formats import Format
from amigate.disk.qcow2 import Qcow2
from amigate.disk.readers import ask_first, open_reader
from amigate.disk.rehearsal import Rehearsal
from amigate.disk.root.assemble import assemble
from amigate.disk.root.part import Part
from amigate.disk.volumes.survey import survey
from amigate.disk.volumes.volume import State, Volume
from amigate.disk.witness.expected import expect, lookups
from amigate.disk.witness.files import Files
from amigate.disk.witness.recover import MOST_KEPT, recover
from amigate.evidence import codec
from amigate.evidence.at_rest import look
from amigate.evidence.inspection import InspectedVolume, Inspection
from amigate.evidence.model import View
from amigate.evidence.redaction.redactor import Redactor
from amigate.facts.catalogue import ALL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from amigate.disk.blocks import Blocks
    from amigate.disk.witness.free_count import FreeCount
    from amigate.evidence.questions import Needs, Question


LAZY = (
    "backports.zstd",
    "compression.zstd",
    "cryptography.exceptions",
    "cryptography.hazmat.backends.openssl.backend",
    "cryptography.hazmat.primitives.asymmetric.dsa",
    "cryptography.hazmat.primitives.asymmetric.ec",
    "cryptography.hazmat.primitives.asymmetric.ed25519",
    "cryptography.hazmat.primitives.asymmetric.rsa",
    "cryptography.hazmat.primitives.serialization",
    "cryptography.hazmat.primitives.serialization.ssh",
)
"""What is imported only where an image needs it, which the child can do before it looks at the image alone."""


def work(devices: Sequence[Blocks], argument: dict[str, Any]) -> bytes:
    """Return the view of an image as JSON.

    `argument` is `{"disks": [{"name", "format"}, …], "broken": [{"name", "state", "reason"}, …]}`: what each device is
    called, `raw` or `qcow2`; and the disks that could not be opened."""
    disks: list[tuple[str, Blocks]] = []
    broken = [
        Volume(name=each["name"], kind="unknown", state=State(each["state"]), reason=each["reason"])
        for each in argument["broken"]
    ]
    for device, about in zip(devices, argument["disks"], strict=True):
        try:
            disks.append((about["name"], Qcow2(device) if about["format"] == Format.QCOW2 else device))
        except OSError as error:
            broken.append(Volume(name=about["name"], kind="unknown", state=state_of(error), reason=str(error)))
    return codec.written(codec.plain(inspect(disks, ALL, Redactor(), broken=broken))).encode("ascii")


def state_of(error: OSError) -> State:
    """Return what becomes of a volume that could not be opened or read."""
    return State.UNSUPPORTED if isinstance(error, UnsupportedError) else State.INCOMPLETE


def inspect(
    disks: Sequence[tuple[str, Blocks]], needs: Sequence[Needs], redactor: Redactor, *, broken: Sequence[Volume] = ()
) -> View:
    """Return what `needs` ask of the machine's files, and what all bytes of its disks hold; `broken` disks are told."""
    rehearsal = Rehearsal()
    disks = [(name, rehearsal.device(blocks)) for name, blocks in disks]
    parts = opened_all((*survey(disks), *broken))
    try:
        files = tree_of(parts, needs, rehearsal)
        view = look(files, needs, redactor=redactor, announce=partial(rehearse, rehearsal, files))
    except OSError as error:
        files, view = None, View(broken=str(error))
    found = recover(parts, disks, files, redactor.mac)
    inspection = Inspection(
        volumes=tuple(
            _inspected(part, count, unwalked=view.broken) for part, count in zip(parts, found.free, strict=True)
        ),
        recovered=tuple(found.found[:MOST_KEPT]),
        gaps=tuple(found.gaps),
        searched_bytes=found.searched_bytes,
    )
    return replace(view, inspection=inspection)


def tree_of(parts: Sequence[Part], needs: Sequence[Needs], rehearsal: Rehearsal) -> Files:
    """Return the files of an image; what telling them and answering `needs` looks up first is rehearsed.

    Raises IncompleteError where it cannot be told which the root is, or what is mounted."""
    questions = [question for need in needs for question in need.first]
    rehearsal.run([work for part in parts if part.reader is not None for work in lookups(part.reader, questions)])
    return Files(assemble(parts), parts)


def rehearse(rehearsal: Rehearsal, files: Files, questions: Sequence[Question]) -> None:
    """Rehearse what answers some questions."""
    rehearsal.run([partial(expect, files, question) for question in questions])


def opened_all(volumes: Sequence[Volume]) -> list[Part]:
    """Open the file systems of volumes, what is read first of each asked for at once."""
    for volume in volumes:
        if volume.state is State.READABLE and volume.blocks is not None:
            ask_first(volume.kind, volume.blocks)
    return [opened(volume) for volume in volumes]


def opened(volume: Volume) -> Part:
    """Open the file system of a volume; one that cannot be read is said to be so."""
    if volume.state is not State.READABLE or volume.blocks is None:
        return Part(volume=volume)
    try:
        reader = open_reader(volume.kind, volume.blocks)
    except OSError as error:
        return Part(volume=replace(volume, state=state_of(error), reason=str(error)))
    return Part(volume=volume, reader=reader)


def _inspected(part: Part, count: FreeCount | None, *, unwalked: str) -> InspectedVolume:
    """Say what became of a volume, once all of it was looked at; `unwalked` says why its files were not."""
    volume = part.volume
    state, reason = volume.state, volume.reason
    if part.reader is not None:
        wrong = [unwalked] if unwalked else part.reader.damage
        state, reason = (State.INCOMPLETE, wrong[0]) if wrong else (State.READ, reason)
    written = 0
    try:
        written = sum(extent.length for extent in volume.blocks.written()) if volume.blocks is not None else 0
    except OSError as error:
        state, reason = state_of(error), str(error)
    inspected = InspectedVolume(
        name=volume.name, kind=volume.kind, state=state.value, reason=reason, written_bytes=written
    )
    if count is None:
        return inspected
    uncounted = next(
        iter(part.reader.damage if part.reader else ()), count.wrong
    )  # maps of what has errors are not believed
    if uncounted:
        return replace(inspected, uncounted=uncounted)
    return replace(inspected, free_bytes=count.free_bytes, unclean_bytes=count.unclean_bytes)
