"""Private keys: header, type and the fingerprint of the public half; nothing of the key itself.

OpenSSH's own format holds the public half in the clear, with a passphrase or without:
https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.key"""

from __future__ import annotations

import base64
import binascii
import re

from amigate.evidence.redaction.kept import Kept, Mac, UnknownFormError
from amigate.evidence.redaction.keys import fingerprint

_BLOCK = re.compile(
    rb"-----BEGIN (?P<label>(?:[A-Z0-9]{1,12} ){0,2}PRIVATE KEY)-----(?P<body>.*?)-----END (?P=label)-----", re.DOTALL
)
_LABELS = ("OPENSSH", "RSA", "EC", "DSA", "ENCRYPTED", "")
_MAGIC = b"openssh-key-v1\0"
_TYPE = re.compile(rb"[a-z0-9@.-]{1,64}")
_MOST_BYTES = 32 * 1024


def private_key(content: bytes, mac: Mac) -> Kept:
    """Say what the first private key in `content` is; raises UnknownFormError where there is none in a known form."""
    del mac
    block = _BLOCK.search(content[:_MOST_BYTES])
    if block is None or block["label"].decode().removesuffix("PRIVATE KEY").strip() not in _LABELS:
        raise UnknownFormError
    label = block["label"].decode()
    told = _of_openssh(block["body"]) if label.startswith("OPENSSH") else _of_pem(block[0], block["body"])
    return Kept(summary={"header": label, **told}, withheld="only what kind of key it is, is kept")


def _of_openssh(body: bytes) -> dict[str, str]:
    """Read cipher and public half; raises UnknownFormError."""
    try:
        data = base64.b64decode(b"".join(body.split()), validate=True)
    except binascii.Error:
        raise UnknownFormError from None
    if not data.startswith(_MAGIC):
        raise UnknownFormError
    cipher, at = _string(data, len(_MAGIC))
    _, at = _string(data, at)
    _, at = _string(data, at)
    public, _ = _string(data, at + 4)
    return {"encrypted": "no" if cipher == b"none" else "yes", **_public(public)}


def _string(data: bytes, at: int) -> tuple[bytes, int]:
    """Return the string of RFC 4251 at `at`, and where the next begins."""
    length = int.from_bytes(data[at : at + 4], "big")
    end = at + 4 + length
    if at + 4 > len(data) or end > len(data):
        raise UnknownFormError
    return data[at + 4 : end], end


def _public(blob: bytes) -> dict[str, str]:
    kind, _ = _string(blob, 0)
    if not _TYPE.fullmatch(kind):
        raise UnknownFormError
    return {"type": kind.decode(), "fingerprint": fingerprint(blob)}


def _of_pem(block: bytes, body: bytes) -> dict[str, str]:
    """Ask OpenSSL for the public half; what has a passphrase keeps it to itself."""
    if b"ENCRYPTED" in body[:200] or block.startswith(b"-----BEGIN ENCRYPTED"):
        return {"encrypted": "yes"}
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415 - only where there is such a key
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415
        Encoding,
        PublicFormat,
        load_pem_private_key,
    )

    try:
        # Whether a hostile key's numbers are sound does not matter, and finding out may take minutes.
        public = load_pem_private_key(block, None, unsafe_skip_rsa_key_validation=True).public_key()
        line = public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    except (ValueError, TypeError, AttributeError, UnsupportedAlgorithm):
        raise UnknownFormError from None
    return {"encrypted": "no", **_public(base64.b64decode(line.split()[1]))}
