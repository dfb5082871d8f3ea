"""The disks of an image, wherever they come from, as the view of it at rest; nothing of it runs, here or elsewhere.

The image is read in a child that has nothing but its bytes (docs/isolation.md); what it answers is read as strictly as
saved evidence."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from amigate.disk.blocks import UnsupportedError
from amigate.disk.child.run import Work, in_child
from amigate.disk.formats import Format
from amigate.disk.volumes.volume import State
from amigate.disk.witness.inspect import LAZY
from amigate.errors import AmigateError, UsageError
from amigate.evidence import strict
from amigate.evidence.model import View
from amigate.report.escape import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from amigate.disk.blocks import Blocks
    from amigate.disk.budget import Budget
    from amigate.disk.child.isolation import Isolation
    from amigate.sources.aws import Aws


SECTOR = 512


@dataclass(frozen=True, kw_only=True)
class Disk:
    """A disk that is open."""

    name: str
    blocks: Blocks
    format: Format = Format.RAW
    """`raw` or `qcow2`."""


@dataclass(frozen=True, kw_only=True)
class BrokenDisk:
    """A disk that could not be opened, so that nothing is known of what it holds."""

    name: str
    state: State
    reason: str


@dataclass(frozen=True, kw_only=True)
class AtRest:
    """What was seen of an image at rest."""

    view: View
    isolation: Isolation | None = None
    """Of the process that read it; None where it came to no end."""
    notes: Sequence[str] = field(default=())
    """What a reader of the report must know of the reading itself."""


def look_at(
    disks: Sequence[Disk],
    broken: Sequence[BrokenDisk],
    *,
    cancelled: Callable[[], bool] = lambda: False,
    progress: Callable[[str], None] = lambda _: None,
) -> AtRest:
    """Return the view of an image that has these disks; a broken one when it could not be read to the end."""
    argument = {
        "disks": [{"name": disk.name, "format": disk.format.value} for disk in disks],
        "broken": [{"name": disk.name, "state": disk.state.value, "reason": disk.reason} for disk in broken],
    }
    work = Work(name="amigate.disk.witness.inspect:work", argument=argument, modules=LAZY)
    try:
        answer = in_child(
            work,
            [disk.blocks for disk in disks],
            cancelled=cancelled,
            progress=lambda read_bytes: progress(f"reading the disk at rest: {read_bytes / 1e6:,.0f} MB so far"),
        )
        view = strict.decode(View, strict.parse(answer.data.decode("ascii")), "disk")
    except (OSError, ValueError) as error:
        return AtRest(view=View(broken=f"the disk at rest could not be read: {printable(str(error))}"))
    if view.inspection is None:  # such a view is a directory's, to which the rules about disks do not apply
        return AtRest(view=View(broken="the disk at rest could not be read: nothing was said of its volumes"))
    notes = [f"The process that read the disk was not apart in every way: {gap}." for gap in answer.isolation.gaps]
    return AtRest(view=view, isolation=answer.isolation, notes=notes)


def look_at_image(path: Path, progress: Callable[[str], None] = lambda _: None) -> AtRest:
    """Look at a disk image file or a block device; raises UsageError for what is none, or is of a format not read."""
    from amigate.disk.source import opened  # noqa: PLC0415 - for files alone

    try:
        with opened(path) as image:
            if image.format is Format.RAW and (image.file.size % SECTOR or not image.file.size):
                raise UsageError(
                    f"{printable(str(path))}: it is no disk image: those have whole sectors of {SECTOR} bytes",
                    hint="Name an AMI, a disk image, a directory or a file of saved evidence.",
                )
            disk = Disk(name="disk", blocks=image.file, format=image.format)
            progress(f"reading {path}, {image.file.size:,} bytes, as a {image.format} disk image")
            return look_at([disk], (), progress=progress)
    except OSError as error:
        raise UsageError(
            f"{printable(str(path))}: {printable(str(error))}",
            hint="Give a raw or qcow2 image, or convert it with `qemu-img convert -O qcow2`.",
        ) from None


def look_at_directory(path: Path, progress: Callable[[str], None] = lambda _: None) -> AtRest:
    """Look at a directory that holds a root file system, which has no volumes and no free space; raises UsageError."""
    from amigate.disk.root.choose import looks_like_root  # noqa: PLC0415 - for directories alone
    from amigate.evidence.at_rest import look  # noqa: PLC0415
    from amigate.evidence.redaction.redactor import Redactor  # noqa: PLC0415
    from amigate.facts.catalogue import ALL  # noqa: PLC0415
    from amigate.sources.directory import Directory  # noqa: PLC0415

    try:
        with Directory(path) as files:
            if looks_like_root(files):
                progress(f"reading {path}, a directory")
                return AtRest(view=look(files, ALL, redactor=Redactor()))
    except OSError as error:
        raise UsageError(
            f"{printable(str(path))}: {error.strerror or printable(str(error))}", hint="Run as root to see all of it."
        ) from None
    raise UsageError(
        f"{printable(str(path))}: it holds no root file system, as it has no /etc, /usr and the like",
        hint="Name the directory that is / on the machine.",
    )


def look_at_snapshots(
    aws: Aws,
    snapshots: Iterable[str],
    budget: Budget,
    *,
    cancelled: Callable[[], bool] = lambda: False,
    progress: Callable[[str], None] = lambda _: None,
) -> AtRest:
    """Look at the snapshots of an AMI through the EBS direct APIs; one that cannot be had is told beside the others."""
    from amigate.disk.ebs import Ebs  # noqa: PLC0415 - for AMIs alone
    from amigate.disk.ebs_client import ebs_client  # noqa: PLC0415

    disks: list[Disk] = []
    broken: list[BrokenDisk] = []
    client = ebs_client(aws)
    with ExitStack() as stack:
        for snapshot in snapshots:
            try:
                disks.append(Disk(name=snapshot, blocks=stack.enter_context(Ebs(client, snapshot, budget=budget))))
            except (AmigateError, OSError) as error:
                broken.append(_broken(snapshot, error))
        return look_at(disks, broken, cancelled=cancelled, progress=progress)


def _broken(name: str, error: Exception) -> BrokenDisk:
    state = State.UNSUPPORTED if isinstance(error, UnsupportedError) else State.INCOMPLETE
    hint = getattr(error, "hint", "")
    return BrokenDisk(name=name, state=state, reason=f"{error} ({hint})" if hint else str(error))
