"""Mount units of systemd that an image has enabled itself: systemd.mount(5), links in `*.wants` and `*.requires`.

Those that packages enable themselves mount what has no content."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from amigate.disk.root.texts import is_there, paths, text
from amigate.disk.root.wanted import Wanted, normal
from amigate.evidence.awaited import each

if TYPE_CHECKING:
    from amigate.evidence.file_system import FileSystem

_FOLDERS = ("/etc/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system")
_SETTING = re.compile(rb"[ \t]*(What|Where|Type|Options)[ \t]*=[ \t]*(.*?)[ \t\r]*")


def enabled(files: FileSystem) -> list[Wanted]:
    """Return what enabled mount and automount units in /etc say; raises OSError where they cannot be told."""
    links = [
        link
        for folder in ("wants", "requires")
        for kind in ("mount", "automount")
        for link in paths(files, f"{_FOLDERS[0]}/*.{folder}/*.{kind}")
    ]
    names = sorted({re.sub(r"\.automount$", ".mount", posixpath.basename(link)) for link in links})
    units = each(names, lambda name: parse(*_read(files, name)))
    return [unit for unit in units if unit is not None]


def parse(path: str, content: bytes) -> Wanted | None:
    """Return what a unit mounts; None for what is none, or has no place of its own."""
    section, said = b"", {b"Type": b"auto", b"Options": b"defaults"}
    for line in content.split(b"\n"):
        if line.startswith(b"["):
            section = line.strip()
        elif section == b"[Mount]" and (setting := _SETTING.fullmatch(line)):
            said[setting[1]] = setting[2]
    what, where, kind, options = (
        said.get(each, b"").decode("utf-8", "surrogateescape") for each in (b"What", b"Where", b"Type", b"Options")
    )
    if not what or not where.startswith("/"):
        return None
    return Wanted(
        what=what, where=normal(where), kind=kind or "auto", options=frozenset(options.split(",")), source=path
    )


def _read(files: FileSystem, name: str) -> tuple[str, bytes]:
    """Return the first of the units of a name, and its text; no text where there is none."""
    path = next((path for folder in _FOLDERS if is_there(files, path := f"{folder}/{name}")), f"{_FOLDERS[0]}/{name}")
    return path, text(files, path)
