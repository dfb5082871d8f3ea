"""Stanzas of fields: deb822(5), as dpkg's status file has it, and apk's database."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

DPKG, APK = ": ", ":"
"""What stands between a field's name and its value."""


def stanzas(text: str, separator: str) -> Iterator[dict[str, str]]:
    """Yield the fields of each stanza, without lines that continue one; of a field named twice, the first."""
    fields: dict[str, str] = {}
    is_open = False
    for line in [*text.split("\n"), ""]:
        if line.strip():
            is_open = True
            name, found, value = line.partition(separator)
            if found and not line.startswith((" ", "\t")):
                fields.setdefault(name, value.strip())
        elif is_open:
            yield fields
            fields, is_open = {}, False
