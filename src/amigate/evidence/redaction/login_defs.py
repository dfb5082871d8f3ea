"""login.defs and the defaults of useradd: which numbers are whose, and how long a password may be used."""

from __future__ import annotations

import re

from amigate.evidence.redaction.kept import Kept, Mac, decoded, encoded

SETTING = re.compile(
    r"\s*(?P<name>UID_MIN|UID_MAX|PASS_MAX_DAYS|INACTIVE|EXPIRE)(?:\s*=\s*|\s+)\"?(?P<value>[0-9-]{0,10})\"?\s*"
)


def login_defs(content: bytes, mac: Mac) -> Kept:
    """Keep, line by line, those settings; of everything else that there was a line."""
    del mac
    return Kept(content=encoded("\n".join(map(_line, decoded(content).split("\n")))))


def _line(line: str) -> str:
    found = SETTING.fullmatch(line)
    return f"{found['name']}={found['value']}" if found else ("#" if line.strip() else "")
