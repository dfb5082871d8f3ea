"""Private keys of PuTTY: https://the.earth.li/~sgtatham/putty/latest/htmldoc/AppendixC.html"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from amigate.disk.carve.base64_text import decode
from amigate.disk.carve.openssh import string
from amigate.disk.carve.secret import MOST_BYTES, Kind, Secret, places
from amigate.evidence.redaction.keys import fingerprint

if TYPE_CHECKING:
    from collections.abc import Iterator

    from amigate.evidence.redaction.kept import Mac

_MARK = b"PuTTY-User-Key-File-"
MARKS = (_MARK,)
_KEY = re.compile(
    rb"PuTTY-User-Key-File-[1-3]: (?P<type>[a-z0-9@.-]{1,64})\r?\n"
    rb"Encryption: (?P<cipher>[a-z0-9-]{1,32})\r?\n"
    rb"Comment: [^\r\n]{0,1024}\r?\n"
    rb"Public-Lines: [0-9]{1,3}\r?\n(?P<public>(?:[A-Za-z0-9+/=]{1,64}\r?\n){1,400}+)"
    rb"(?:(?:Key-Derivation|Argon2-[A-Za-z]{1,16}): [^\r\n]{1,128}\r?\n){0,8}+"
    rb"Private-Lines: [0-9]{1,3}\r?\n(?P<lines>(?:[A-Za-z0-9+/=]{1,64}\r?\n){0,400}+)"
    rb"(?:(?P<mac>Private-(?:MAC|Hash): )|(?P<rest>[A-Za-z0-9+/=]{32,64}))?"
)


def find(data: bytes, begin: int, end: int, mac: Mac) -> Iterator[Secret]:
    """Find keys by their first line."""
    del mac
    for at in places(data, _MARK, begin, end):
        key = _KEY.match(data, at, at + MOST_BYTES)
        if key is None:
            continue
        public = decode(key["public"], 0, MOST_BYTES).data
        if string(public, 0)[0] == key["type"] and (key["lines"] or key["rest"]):
            yield Secret(
                kind=Kind.PRIVATE_KEY,
                what="PuTTY",
                begin=at,
                end=key.end(),
                fingerprint=fingerprint(public),
                is_encrypted=key["cipher"] != b"none",
                is_whole=key["mac"] is not None,
            )
