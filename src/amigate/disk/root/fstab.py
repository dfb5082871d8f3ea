"""fstab(5), read as libmount and systemd-fstab-generator(8) do."""

from __future__ import annotations

import re

from amigate.disk.root.wanted import Wanted, normal

PATH = "/etc/fstab"
_OCTAL = re.compile(rb"\\([0-3][0-7]{2})")
_LEAST_FIELDS = 2


def parse(text: bytes) -> list[Wanted]:
    """Return the lines that name a mount point; swap, and lines that libmount does not understand, are left out."""
    found: list[Wanted] = []
    for line in text.split(b"\n"):
        fields = [_unescaped(field) for field in re.split(rb"[ \t]+", line.strip(b" \t\r"))]
        if len(fields) < _LEAST_FIELDS or fields[0].startswith("#"):
            continue
        what, where, kind, options = [*fields[:4], *("auto", "defaults")[max(len(fields) - _LEAST_FIELDS, 0) :]][:4]
        if where.startswith("/") and kind != "swap":
            given = frozenset(options.split(","))
            found.append(Wanted(what=what, where=normal(where), kind=kind, options=given, source=PATH))
    return found


def _unescaped(field: bytes) -> str:
    """Return a field without its octal escapes, which stand for bytes."""
    return _OCTAL.sub(lambda match: bytes([int(match[1], 8)]), field).decode("utf-8", "surrogateescape")
