"""Private keys in PEM, RFC 7468 and RFC 1421 as OpenSSL writes it, whose body is a key as far as it goes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from amigate.disk.carve import openssh
from amigate.disk.carve.base64_text import decode
from amigate.disk.carve.der import private_key
from amigate.disk.carve.fingerprints import of_der
from amigate.disk.carve.secret import MOST_BYTES, Kind, Secret, places

if TYPE_CHECKING:
    from collections.abc import Iterator

    from amigate.evidence.redaction.kept import Mac

_MARK = b"PRIVATE KEY-----"
_LABEL = re.compile(rb"-----BEGIN ((?:RSA |DSA |EC |OPENSSH |ENCRYPTED )?PRIVATE KEY)-----")
MARKS = (_MARK,)
_LONGEST_LABEL = 42
_LINE_END = rb"(?:\r?\n|\\r\\n|\\n)[ \t]{0,64}"
_CIPHER = re.compile(
    rb"%(end)sProc-Type: 4,ENCRYPTED%(end)sDEK-Info: [A-Z0-9-]{3,32}(?:,[0-9A-Fa-f]{16,32})?%(end)s"
    % {b"end": _LINE_END}
)
_LEAST_ENCRYPTED_BYTES = 32
_CIPHER_BLOCK = 8


def find(data: bytes, begin: int, end: int, mac: Mac) -> Iterator[Secret]:
    """Find keys by the end of their first line."""
    for mark in places(data, _MARK, begin, end):
        start = data.rfind(b"-----BEGIN ", max(mark - _LONGEST_LABEL, 0), mark)
        label = _LABEL.fullmatch(data, start, mark + len(_MARK)) if start >= 0 else None
        if label is not None and (secret := _key(data, label, mac)) is not None:
            yield secret


def _key(data: bytes, label: re.Match[bytes], mac: Mac) -> Secret | None:
    cipher = _CIPHER.match(data, label.end())
    text = decode(data, cipher.end() if cipher else label.end(), MOST_BYTES)
    what, is_whole, is_encrypted = label[1].decode(), True, cipher is not None
    if cipher:
        if len(text.data) < _LEAST_ENCRYPTED_BYTES:
            return None
        is_whole = data.startswith(b"-----END", text.end) and len(text.data) % _CIPHER_BLOCK == 0
        told = mac(text.data)
    elif ssh := openssh.parse(text.data):
        told, is_encrypted, is_whole = ssh.fingerprint, ssh.is_encrypted, ssh.is_whole
    elif key := private_key(text.data):
        told, is_encrypted, is_whole = of_der(text.data, key, mac), key.form == "encrypted", key.is_whole
    else:
        return None
    return Secret(
        kind=Kind.PRIVATE_KEY,
        what=what,
        begin=label.start(),
        end=text.end,
        fingerprint=told,
        is_encrypted=is_encrypted,
        is_whole=is_whole,
    )
