"""What boot loaders hand to the kernel as its root: `root=` in their configuration, kernel-command-line(7)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from amigate.disk.root.texts import paths, text
from amigate.evidence.awaited import each

if TYPE_CHECKING:
    from collections.abc import Iterator

    from amigate.evidence.file_system import FileSystem

_FOLDERS = ("", "/boot")
"""A file system that is mounted at /boot, or one that has such a folder."""
_FILES = (
    "grub/grub.cfg",
    "grub2/grub.cfg",
    "grub2/grubenv",
    "grub/grubenv",
    "grub/grub.conf",
    "grub/menu.lst",
    "extlinux/extlinux.conf",
    "extlinux.conf",
    "syslinux/syslinux.cfg",
)
_ENTRIES = "loader/entries/*.conf"
_ROOT = re.compile(rb"(?:^|[\s\"'=])root=[\"']?((?:(?:PART)?(?:UUID|LABEL)=|/dev/)[^\s\"'$]+)", re.MULTILINE)


def roots(files: FileSystem) -> set[str]:
    """Return the devices that boot loader configuration in a file system names as root.

    Raises OSError where it cannot be read."""
    return {
        found.decode("utf-8", "surrogateescape")
        for content in each(_paths(files), lambda path: text(files, path))
        for line in content.split(b"\n")
        if not line.lstrip().startswith(b"#")
        for found in _ROOT.findall(line)
    }


def _paths(files: FileSystem) -> Iterator[str]:
    for folder in _FOLDERS:
        yield from (f"{folder}/{name}" for name in _FILES)
        yield from paths(files, f"{folder}/{_ENTRIES}")
