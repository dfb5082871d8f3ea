"""The work of the child: disks in, the view of the image at rest out."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from amigate.disk.blocks import UnsupportedError
from amigate.disk.formats import Format
from amigate.disk.qcow2 import Qcow2
from amigate.disk.readers import open_reader
from amigate.disk.root.assemble import assemble
from amigate.disk.root.part import Part
from amigate.disk.volumes.survey import survey
from amigate.disk.volumes.volume import State, Volume
from amigate.disk.witness.files import Files
from amigate.disk.witness.recover import MOST_KEPT, recover
from amigate.evidence import codec
from amigate.evidence.at_rest import look
from amigate.evidence.inspection import InspectedVolume, Inspection
from amigate.evidence.model import View
from amigate.evidence.redaction.redactor import Redactor
from amigate.facts.catalogue import NEEDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from amigate.disk.blocks import Blocks
    from amigate.disk.witness.free_count import FreeCount
    from amigate.evidence.questions import Needs


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
    return codec.written(codec.plain(inspect(disks, NEEDS, Redactor(), broken=broken))).encode("ascii")


def state_of(error: OSError) -> State:
    """Return what becomes of a volume that could not be opened or read."""
    return State.UNSUPPORTED if isinstance(error, UnsupportedError) else State.INCOMPLETE


def inspect(
    disks: Sequence[tuple[str, Blocks]], needs: Sequence[Needs], redactor: Redactor, *, broken: Sequence[Volume] = ()
) -> View:
    """Return what `needs` ask of the machine's files, and what all bytes of its disks hold; `broken` disks are told."""
    parts = [opened(volume) for volume in (*survey(disks), *broken)]
    try:
        files = Files(assemble(parts), parts)
        view = look(files, needs, redactor=redactor)
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
    if part.reader is None or count is None:
        return inspected
    uncounted = next(iter(part.reader.damage), count.wrong)  # maps of what has errors are not believed
    if uncounted:
        return replace(inspected, uncounted=uncounted)
    return replace(inspected, free_bytes=count.free_bytes, unclean_bytes=count.unclean_bytes)
