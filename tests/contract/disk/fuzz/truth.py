"""What is told of an image: all that its files are, beside what is asked of them."""

from __future__ import annotations

import hashlib
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.contract.disk.fuzz.device import Mutant
from tests.contract.disk.fuzz.strategies import Places
from tests.contract.disk.mutations import SECTOR, Patched

from amigate.disk.blocks import Extent, IncompleteError
from amigate.disk.ext.nodes import ExtNodes
from amigate.disk.formats import Format
from amigate.disk.pieces import on_device
from amigate.disk.qcow2 import Qcow2
from amigate.disk.volumes.survey import survey
from amigate.disk.witness.inspect import opened

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.contract.disk.fuzz.device import Image
    from tests.contract.disk.fuzz.kinds import Kind

    from amigate.disk.blocks import Blocks
    from amigate.disk.reader import Reader
    from amigate.disk.root.part import Part
    from amigate.evidence.file_system import Inode

MOST_BYTES = 1 << 26
_JOURNAL = 8
Key = tuple[str, str]
"""Volume and path."""
Files = dict[Key, tuple["Inode", str | None]]
"""With the SHA-256 of what is in a file, or where a link leads; None for a link of which that cannot be told."""


def parts_of(device: Blocks, image_format: Format) -> Sequence[Part]:
    """Return the volumes of a disk, opened."""
    disk = Qcow2(device) if image_format is Format.QCOW2 else device
    return [opened(volume) for volume in survey([("disk", disk)])]


def files_of(parts: Sequence[Part]) -> Files:
    """Return all that every volume holds; raises OSError where it cannot be read."""
    found: Files = {}
    for part in parts:
        if part.reader is not None:
            for path, inode in part.reader.walk():
                found[part.volume.name, path] = inode, _held(part.reader, path, inode)
            if part.reader.damage:
                raise OSError(part.reader.damage[0])
    return found


def _held(reader: Reader, path: str, inode: Inode) -> str | None:
    if stat.S_ISLNK(inode.mode):
        try:
            return reader.readlink(path)
        except IncompleteError:  # nothing is wrong with what is told as long as nobody asks for it
            return None
    return hashlib.sha256(reader.read(path, MOST_BYTES)).hexdigest() if stat.S_ISREG(inode.mode) else ""


@dataclass(frozen=True, kw_only=True)
class Truth:
    """What the image holds that the mutants are made from."""

    files: Files
    content: dict[Key, list[tuple[int, Extent]]]
    """Of each file that has blocks of its own: where in it, and where on the disk."""
    journal: Sequence[Extent]
    """Where one is that is to be replayed: what ends early in it is an older state, as it is for the kernel."""

    def expected(self, mutant: Mutant) -> Files:
        """Return what is to be told where nothing but the content of files is wrong."""
        changed = mutant.changed()
        files = dict(self.files)
        for key, runs in self.content.items():
            if any(extent.offset <= at < extent.end for _, extent in runs for at in changed):
                inode = files[key][0]
                files[key] = inode, content_of(mutant, inode.size, runs)
        return files

    def is_in_journal(self, mutant: Mutant) -> bool:
        """Whether what is wrong is in the journal."""
        return any(extent.offset <= at < extent.end for extent in self.journal for at in mutant.changed())


def content_of(device: Blocks, size: int, runs: Sequence[tuple[int, Extent]]) -> str:
    """Return the SHA-256 of a file of which only this is not a hole."""
    content = bytearray(size)
    for at, extent in runs:
        content[at : at + extent.length] = device.read(extent.offset, extent.length)
    return hashlib.sha256(content).hexdigest()


def truth_of(image: Image) -> Truth:
    """Return what a raw disk holds, which must be whole."""
    device = Mutant(image)
    parts = parts_of(device, Format.RAW)
    files = files_of(parts)
    content: dict[Key, list[tuple[int, Extent]]] = {}
    journal: list[Extent] = []
    for part in parts:
        if part.reader is None:
            continue
        blocks = part.volume.blocks
        assert blocks is not None
        nodes = part.reader._nodes  # type: ignore[attr-defined]
        for (volume, path), (inode, _) in files.items():
            if volume == part.volume.name and stat.S_ISREG(inode.mode):
                node = nodes.node(inode.number)
                if nodes.inside(node) is None:
                    runs = part.reader._content(node, inode.size)  # type: ignore[attr-defined]
                    content[volume, path] = [(at, _on_disk(blocks, extent)) for at, extent in runs]
        if isinstance(nodes, ExtNodes) and nodes.blocks is not blocks:
            size = 1 << nodes.block_log
            runs = nodes.runs(nodes.internal(_JOURNAL))
            journal += [_on_disk(blocks, Extent(run.start * size, run.length * size)) for run in runs]
    truth = Truth(files=files, content=content, journal=journal)
    for key, runs in content.items():
        assert content_of(device, files[key][0].size, runs) == files[key][1], key
    return truth


def _on_disk(blocks: Blocks, extent: Extent) -> Extent:
    """Return where a stretch of a volume lies, all of it together."""
    _, first = on_device(blocks, extent.offset)
    _, last = on_device(blocks, extent.end - 1)
    assert last - first == extent.length - 1
    return Extent(first, extent.length)


def places_of(image: bytes, kind: Kind) -> Places:
    """Return where the metadata of a disk lies, by what is read when it is opened and walked."""
    device = Patched(image)
    parts = parts_of(device, kind.format)
    opening = list(device.sectors)
    for part in parts:
        if part.reader is not None:
            for path, inode in part.reader.walk():
                part.reader.xattrs(path)
                if stat.S_ISREG(inode.mode):
                    list(part.reader.extents(path))
            list(part.reader.free_extents())
    later = list(device.sectors)[len(opening) :]
    metadata = later if kind.area is None else sorted(device.sectors.keys() & set(kind.area))
    written = [at for at in range(len(image) // SECTOR) if any(image[at * SECTOR : (at + 1) * SECTOR])]
    known = set(written)
    return Places(opening, [at for at in metadata if at in known] or opening, written)
