"""Password hashes as shadow(5) has them: a name, locks, and a hash of one of the schemes of crypt(5)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from amigate.disk.carve.secret import Kind, Secret

if TYPE_CHECKING:
    from collections.abc import Iterator

    from amigate.evidence.redaction.kept import Mac

_NAME = re.compile(rb"(?<![\w.-])[A-Za-z_0-9][\w.-]{0,63}\$?:[!*]{0,4}\Z")
_NAME_BYTES = 72
_SALT = rb"[^$:\s\0-\x20\x7f]"
_DIGIT = rb"[./0-9A-Za-z]"
_HASHES = {
    b"$y$": ("yescrypt", rb"\$y\$D{1,16}\$D{1,86}\$D{43}"),
    b"$gy$": ("gost-yescrypt", rb"\$gy\$D{1,16}\$D{1,86}\$D{43}"),
    b"$7$": ("scrypt", rb"\$7\$D{11,97}\$D{43}"),
    **{b"$2%s$" % each: ("bcrypt", rb"\$2[abxy]\$[0-9]{2}\$D{53}") for each in (b"a", b"b", b"x", b"y")},
    b"$6$": ("sha512crypt", rb"\$6\$(?:rounds=[1-9][0-9]{0,9}\$)?S{1,16}\$D{86}"),
    b"$5$": ("sha256crypt", rb"\$5\$(?:rounds=[1-9][0-9]{0,9}\$)?S{1,16}\$D{43}"),
    b"$sha1$": ("sha1crypt", rb"\$sha1\$[1-9][0-9]{0,9}\$D{1,64}\$D{28,96}"),
    b"$md5$": ("SunMD5", rb"\$md5\$D{8}\${1,2}D{22}"),
    b"$md5,": ("SunMD5", rb"\$md5,rounds=[1-9][0-9]{0,9}\$D{8}\${1,2}D{22}"),
    b"$1$": ("md5crypt", rb"\$1\$S{1,8}\$D{22}"),
    b"$3$": ("NT", rb"\$3\$\$[0-9a-f]{32}"),
}
"""By how they begin; D is a digit of crypt's base64, S a character of a salt."""
_SCHEMES = {
    mark: (scheme, re.compile(b"(%s):" % form.replace(b"D{", _DIGIT + b"{").replace(b"S{", _SALT + b"{")))
    for mark, (scheme, form) in _HASHES.items()
}
_MARK = re.compile(rb"\$(?=[1-7gmsy])(?:(?:6|y|5|1|2[abxy]|gy|7|sha1|3)\$|md5[$,])")
"""With a look at one character first, as dollars are frequent in programs."""
_LONGEST_MARK = 6
_BEFORE = (b":", b"!", b"*")
"""What stands in front of a hash: the end of a name, or a lock."""
MARKS = tuple(before + mark for mark in _SCHEMES for before in _BEFORE)


def find(data: bytes, begin: int, end: int, mac: Mac) -> Iterator[Secret]:
    """Find hashes by their scheme."""
    for mark in _MARK.finditer(data, begin, min(end + _LONGEST_MARK, len(data))):
        at = mark.start()
        if at >= end or data[at - 1 : at] not in _BEFORE:
            continue
        scheme, form = _SCHEMES[mark[0]]
        found = form.match(data, at)
        name = _NAME.search(data[max(at - _NAME_BYTES, 0) : at]) if found else None
        if found and name:
            yield Secret(
                kind=Kind.PASSWORD_HASH,
                what=scheme,
                begin=at - len(name[0]),
                end=found.end(1),
                fingerprint=mac(found[1]),
            )
