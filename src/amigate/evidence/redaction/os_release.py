"""os-release and machine-id: what tells systems and first boots apart.

https://www.freedesktop.org/software/systemd/man/os-release.html
https://www.freedesktop.org/software/systemd/man/machine-id.html"""

from __future__ import annotations

import re

from amigate.evidence.redaction.kept import Kept, Mac, UnknownFormError, decoded, encoded, line_by_line, placeholder

_KNOWN = {"ID", "ID_LIKE", "VERSION_ID", "VERSION_CODENAME", "VARIANT_ID", "PLATFORM_ID", "BUILD_ID", "SUPPORT_END"}
_ASSIGNMENT = re.compile(r"""([A-Z][A-Z0-9_]{0,100})=("?|'?)([\w.:+~ -]{0,100})\2""", re.ASCII)
_NAME = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=")
_MACHINE_ID = re.compile(r"[0-9a-fA-F]{32}\n?")


def os_release(content: bytes, mac: Mac) -> Kept:
    """Keep what names the system and its version; raises UnknownFormError where one of these is in another form."""
    return line_by_line(content, _assignment, mac)


def machine_id(content: bytes, mac: Mac) -> Kept:
    """Keep that there is no id yet; systemd's manual calls an id confidential, and of that a digest is kept."""
    text = decoded(content)
    if text.strip() in {"", "uninitialized"}:
        return Kept(content=encoded(text))
    if not _MACHINE_ID.fullmatch(text):
        raise UnknownFormError
    return Kept(content=encoded(placeholder(text.strip().lower(), mac) + "\n"))


def _assignment(line: str) -> str | None:
    text = line.strip()
    if text.startswith("#"):
        return "#"
    name = _NAME.match(text)
    if name is None or name[1] not in _KNOWN:
        return None
    if not _ASSIGNMENT.fullmatch(text):
        raise UnknownFormError
    return text
