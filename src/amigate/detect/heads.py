"""What the first bytes of a file say: keys and key stores that are no text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from amigate.detect.hits import Hit, Sort

if TYPE_CHECKING:
    from collections.abc import Iterator

HEAD_BYTES = 64
_SEQUENCE = rb"\x30(?:[\x00-\x7f]|\x81.|\x82..|\x83...|\x80)"
_PKCS8 = re.compile(
    _SEQUENCE + rb"\x02\x01[\x00\x01]" + _SEQUENCE + rb"\x06(?:"
    rb"\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01|\x07\x2a\x86\x48\xce\x3d\x02\x01|\x07\x2a\x86\x48\xce\x38\x04\x01"
    rb"|\x03\x2b\x65[\x6e-\x71])",
    re.DOTALL,
)
"""RSA, elliptic curves, DSA, X25519 to Ed448: RFC 5958 with the algorithms of RFC 3279 and RFC 8410."""
_PKCS1 = re.compile(rb"\x30\x82..\x02\x01\x00\x02\x82[\x00-\x08].\x00?[\x80-\xff]", re.DOTALL)
_PKCS12 = re.compile(
    _SEQUENCE + rb"\x02\x01\x03" + _SEQUENCE + rb"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07[\x01\x02]", re.DOTALL
)
_OPENPGP = re.compile(rb"(?:[\x94-\x97]|[\xc5\xc7])[\x00-\xff]{1,5}?[\x03\x04\x05\x06][\x00-\xff]{4}[\x01-\x1b]")
_OPENPGP_NAMES = (".gpg", ".pgp", ".skr", ".key", ".sec")
_PROGRAM = b"\x7fELF"


def is_program(head: bytes) -> bool:
    """Whether a file is a program or a library, which may hold keys to test itself with."""
    return head.startswith(_PROGRAM)


def by_head(name: str, head: bytes, size: int) -> Iterator[Hit]:
    """Yield what `head`, the first bytes of a file of `size` bytes, begins."""
    pkcs1 = _PKCS1.match(head) and int.from_bytes(head[2:4], "big") + 4 == size
    if _PKCS8.match(head) or pkcs1:
        yield Hit(sort=Sort.PRIVATE_KEY, offset=0, detail="a private key (DER) without a passphrase")
    elif _PKCS12.match(head):
        yield Hit(sort=Sort.LEFTOVER, offset=0, detail="a key store (PKCS 12)")
    elif name.endswith(_OPENPGP_NAMES) and _OPENPGP.match(head):
        yield Hit(sort=Sort.PRIVATE_KEY, offset=0, detail="a private key (OpenPGP)")
