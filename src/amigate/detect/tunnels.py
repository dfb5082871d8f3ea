"""What opens a way into the machine from outside by calling out: `ssh -R`, autossh, in what runs by itself."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from amigate.detect.hits import Hit, Sort

if TYPE_CHECKING:
    from collections.abc import Iterator

PLACES = (
    "/etc/systemd/", "/usr/lib/systemd/", "/lib/systemd/", "/usr/local/lib/systemd/", "/etc/init.d/", "/etc/rc.local",
    "/etc/rc.d/", "/etc/local.d/", "/etc/cron", "/var/spool/cron/", "/etc/inittab", "/etc/network/",
)  # fmt: skip
"""Where what runs by itself is started."""
PATTERN = r"(^|[^[:alnum:]_-])(autossh|ssh[[:space:]].*-[[:alnum:]]*R[[:space:]]*[^[:space:]]*[0-9]:)"
"""The same for grep -E, of a running machine."""
_TUNNEL = re.compile(rb"(?m)^(?!\s*[#;]).*?(?<![\w-])(?:autossh|ssh\s.*?-[A-Za-z0-9]*R\s*\S*[0-9]:)")
_MOST_BYTES = 256 * 1024


def tunnels(path: str, content: bytes) -> Iterator[Hit]:
    """Yield that a file starts a tunnel into this machine, once."""
    if path.startswith(PLACES) and len(content) <= _MOST_BYTES and (match := _TUNNEL.search(content)) is not None:
        yield Hit(sort=Sort.TUNNEL, offset=match.start(), detail="it opens a way in through SSH (ssh -R, autossh)")
