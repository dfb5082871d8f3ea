"""Disk files, through qemu-img."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from amigate.errors import SandboxError
from amigate.sandbox.images import tools

GIB = 1 << 30


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


def copy(disk: Path, out: Path, size_bytes: int = 0) -> None:
    """Make a self-contained copy, whole or not at all, and as large as is said at least."""
    _require_own_backing(disk)
    unfinished = out.with_suffix(".partial")
    try:
        tools.run(["qemu-img", "convert", "-f", "qcow2", "-O", "qcow2", str(disk), str(unfinished)])
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


def _require_own_backing(disk: Path) -> None:
    """Raise SandboxError if a disk refers to more than what lies beside it or in the folder above.

    QEMU can write what it likes into the header, and would not get at other files itself where we are root."""
    found = _info(disk)
    named = found.get("full-backing-filename", found.get("backing-filename"))
    elsewhere = named is not None and Path(named).parent not in list(disk.absolute().parents)[:2]
    if "data-file" in found.get("format-specific", {}).get("data", {}) or (elsewhere and os.geteuid() == 0):
        raise SandboxError(f"{disk.name} refers to a file that is not the machine's own")
