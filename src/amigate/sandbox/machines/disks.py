"""Disk files, through qemu-img."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from amigate.errors import SandboxError
from amigate.sandbox.images import tools

if TYPE_CHECKING:
    from pathlib import Path

GIB = 1 << 30


@dataclass(frozen=True, kw_only=True)
class Layers:
    """A disk file, and the one file that it is an overlay over as we made it, whatever its header says now."""

    file: Path
    backing: Path | None = None
    """None for a file that stands alone."""


def virtual_size(disk: Path) -> int:
    """Bytes that a guest sees of a self-contained qcow2 file.

    Raises SandboxError for anything else: a backing file named inside would be read on the user's behalf."""
    if not disk.is_file():
        raise SandboxError(f"there is no disk image at {disk}")
    found = _info(disk)
    if "backing-filename" in found or "data-file" in found.get("format-specific", {}).get("data", {}):
        raise SandboxError(
            f"{disk} refers to another file", hint="make it self-contained with: qemu-img convert -O qcow2"
        )
    return int(found["virtual-size"])


def gib(size_bytes: int) -> int:
    """Whole GiB, rounded up, as EBS sells them."""
    return -(-size_bytes // GIB)


def overlay(backing: Path, out: Path, size_bytes: int) -> None:
    """Make a disk that starts as the backing file and keeps its own changes."""
    shape = ["-q", "-f", "qcow2", "-F", "qcow2", "-b", str(backing), str(out), str(size_bytes)]
    tools.run(["qemu-img", "create", *shape])


def empty(out: Path, size_bytes: int) -> None:
    """Make a disk of zeros."""
    tools.run(["qemu-img", "create", "-q", "-f", "qcow2", str(out), str(size_bytes)])


def copy(disk: Layers, out: Path, size_bytes: int = 0) -> None:
    """Make a self-contained copy, whole or not at all, and as large as is said at least.

    Raises SandboxError for a disk that refers to another file than it should."""
    _require_untouched(disk)
    unfinished = out.with_suffix(".partial")
    try:
        tools.run(["qemu-img", "convert", "-O", "qcow2", f"json:{json.dumps(_opened(disk))}", str(unfinished)])
        if size_bytes > virtual_size(unfinished):
            tools.run(["qemu-img", "resize", "-q", "-f", "qcow2", str(unfinished), str(size_bytes)])
        unfinished.chmod(0o444)
        unfinished.rename(out)
    finally:
        unfinished.unlink(missing_ok=True)


def _info(disk: Path) -> dict[str, Any]:
    """Return what a qcow2 file says of itself; the files that it names are not opened."""
    found: dict[str, Any] = json.loads(tools.run(["qemu-img", "info", "-U", "-f", "qcow2", "--output=json", str(disk)]))
    return found


def _require_untouched(disk: Layers) -> None:
    """Raise SandboxError if a header names anything but the backing that the disk was made with.

    QEMU can write what it likes into the header, and we can read files that it cannot."""
    found = _info(disk.file)
    named = found.get("full-backing-filename", found.get("backing-filename"))
    wanted = None if disk.backing is None else str(disk.backing)
    if named != wanted or "data-file" in found.get("format-specific", {}).get("data", {}):
        raise SandboxError(f"{disk.file.name} refers to a file that is not the machine's own")


def _opened(disk: Layers) -> dict[str, Any]:
    """Return how QEMU opens a disk without following a header, which may have changed since it was looked at."""
    backing = None if disk.backing is None else _opened(Layers(file=disk.backing))
    return {"driver": "qcow2", "file": {"driver": "file", "filename": str(disk.file)}, "backing": backing}
