"""Values that look random: what no other detector knows, for somebody to look at."""

from __future__ import annotations

import math
import re
from collections import Counter
from typing import TYPE_CHECKING

from amigate.detect.hits import Hit, Sort

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_IN_A_FILE = 3
_MOST_BYTES = 256 * 1024
_LEAST_BITS = 4.2
"""Per character, of Shannon's; 40 random ones of Base64 have 4.6 to 5, words and paths have 3 to 4."""
_LEAST_HEX_BITS = 3.3
_VALUE = re.compile(rb"[:=][ \t]{0,8}[\"']?(?!//)(?P<value>[A-Za-z0-9+/_-]{32,128}={0,2})(?![A-Za-z0-9+/_=.-])")
_HEX = re.compile(rb"[0-9a-f]+|[0-9A-F]+")
_PUBLIC = re.compile(
    rb"(?i)sha\d*|md5|checksum|digest|fingerprint|uuid|commit|revision|integrity|public|cert|ssh-|-----"
)
PLACES = ("/etc/", "/root/", "/home/", "/opt/", "/srv/", "/var/www/", "/usr/local/", "/tmp/", "/var/tmp/")  # noqa: S108
"""Where people keep what they have written."""


def random_values(path: str, content: bytes) -> Iterator[Hit]:
    """Yield the first few values of settings in a text that look random."""
    if not path.startswith(PLACES) or len(content) > _MOST_BYTES or b"\0" in content[:4096]:
        return
    count = 0
    for match in _VALUE.finditer(content):
        line = content[content.rfind(b"\n", 0, match.start()) + 1 : match.start()]
        if _looks_random(match["value"]) and not _PUBLIC.search(line):
            yield Hit(sort=Sort.ENTROPY, offset=match.start(), detail="a value that looks random")
            count += 1
            if count == MOST_IN_A_FILE:
                return


def _looks_random(value: bytes) -> bool:
    bits = -sum(count / len(value) * math.log2(count / len(value)) for count in Counter(value).values())
    if _HEX.fullmatch(value):
        return bits >= _LEAST_HEX_BITS
    has_all = re.search(rb"\d", value) and re.search(rb"[a-z]", value) and re.search(rb"[A-Z]", value)
    return bool(has_all) and bits >= _LEAST_BITS
