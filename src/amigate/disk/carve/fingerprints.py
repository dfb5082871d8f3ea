"""Fingerprints of private keys by their public half."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

from amigate.evidence.redaction.keys import fingerprint

if TYPE_CHECKING:
    from amigate.disk.carve.der import Key
    from amigate.evidence.redaction.kept import Mac

_CHEAP = frozenset(
    bytes.fromhex(oid)
    for oid in (
        "2a8648ce3d0201",  # id-ecPublicKey
        "2b656e",  # X25519
        "2b656f",  # X448
        "2b6570",  # Ed25519
        "2b6571",  # Ed448
    )
)
"""Algorithms whose public half is quickly told, whatever numbers a hostile key holds."""


def of_der(data: bytes, key: Key, mac: Mac) -> str:
    """Return the fingerprint of the public half of the key that the data begins with.

    Where that is not told, it is a digest of the key itself, which nobody can guess; of one that is encrypted or breaks
    off, a keyed one of what is there."""
    if key.public:
        rsa = len(key.public) == 2  # noqa: PLR2004 - modulus and exponent
        name, numbers = (b"ssh-rsa", key.public[::-1]) if rsa else (b"ssh-dss", key.public)
        return fingerprint(b"".join(len(each).to_bytes(4, "big") + each for each in (name, *numbers)))
    is_cheap = key.form == "ec" or (key.form == "pkcs8" and key.algorithm in _CHEAP)
    whole = data[: key.length]
    if key.form == "encrypted" or not key.is_whole:
        return mac(whole)
    return (_by_openssl(whole) if is_cheap else "") or f"der:{hashlib.sha256(whole).hexdigest()}"


def _by_openssl(data: bytes) -> str:
    """Return what OpenSSL makes of a key; nothing where it does not take it."""
    from cryptography.exceptions import InternalError, UnsupportedAlgorithm  # noqa: PLC0415 - only where there is such a key
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415
        Encoding,
        PublicFormat,
        load_der_private_key,
    )

    try:
        public = load_der_private_key(data, None).public_key()
        spki = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    except (ValueError, TypeError, UnsupportedAlgorithm, InternalError):
        return ""
    try:
        line = public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    except (ValueError, TypeError, UnsupportedAlgorithm):  # not one that SSH knows
        return f"spki:{hashlib.sha256(spki).hexdigest()}"
    return fingerprint(base64.b64decode(line.split()[1]))
