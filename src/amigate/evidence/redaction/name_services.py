"""Where accounts come from: nsswitch.conf, and the settings of clients of directory services."""

from __future__ import annotations

import re

from amigate.evidence.redaction.kept import Kept, Mac, decoded, encoded, placeholder

DATABASE = re.compile(r"\s*(?P<name>passwd|shadow|group|gshadow|initgroups):(?P<sources>[\w\s=!\[\]-]{0,1024})")
PROVIDER = re.compile(r"\s*(?P<name>id_provider|auth_provider)\s*=\s*(?P<value>[a-z0-9_]{1,40})\s*")
SECRET = re.compile(
    r"\s*(?P<name>ldap_default_authtok|bindpw|rootbindpw)\b[\s=]+(?P<value>\S.*)",
    re.IGNORECASE | re.DOTALL,
)


def name_services(content: bytes, mac: Mac) -> Kept:
    """Keep, line by line, sources of accounts and names of secrets; of everything else that there was a line."""
    return Kept(content=encoded("\n".join(_line(line, mac) for line in decoded(content).split("\n"))))


def _line(line: str, mac: Mac) -> str:
    said = re.split(r"[#;]", line, maxsplit=1)[0]
    if DATABASE.fullmatch(said) or PROVIDER.fullmatch(said):
        return said.strip()
    if (secret := SECRET.fullmatch(line)) is not None:
        return f"{secret['name'].lower()} = {placeholder(secret['value'], mac)}"
    return "#" if line.strip() else ""
