"""The public half of a private key, where it needs no passphrase to be told."""

from __future__ import annotations

import base64
import binascii
import re
import warnings
from dataclasses import dataclass

from amigate.evidence.redaction.keys import fingerprint

_MAGIC = b"openssh-key-v1\0"
_TYPE = re.compile(rb"[a-z0-9@.-]{1,64}")


@dataclass(frozen=True, kw_only=True)
class PublicHalf:
    """What a private key tells of itself."""

    type: str
    fingerprint: str
    is_encrypted: bool | None = None
    is_whole: bool = True
    has_private_half: bool = True
    """Most of it, at least."""


def of_openssh(data: bytes) -> PublicHalf | None:
    """Read OpenSSH's own form, which holds the public half in the clear; None where it is another one."""
    if not data.startswith(_MAGIC):
        return None
    cipher, at = _string(data, len(_MAGIC))
    for _ in ("name of the key derivation", "its options"):
        _, at = _string(data, at)
    public, at = _string(data, at + 4)
    private, _ = _string(data, at)
    length = int.from_bytes(data[at : at + 4], "big")
    known = None if public is None else of_blob(public)
    return PublicHalf(
        type=known.type if known else "",
        fingerprint=known.fingerprint if known else "",
        is_encrypted=None if cipher is None else cipher != b"none",
        is_whole=private is not None,
        has_private_half=public is not None and 0 < length <= 2 * (len(data) - at - 4),
    )


def of_pem(label: str, data: bytes) -> PublicHalf | None:
    """Ask OpenSSL for the public half of a key in DER without a passphrase; None where it has no answer."""
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415 - only where there is such a key
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415
        Encoding,
        PublicFormat,
        load_pem_private_key,
    )

    body = base64.encodebytes(data)
    block = b"-----BEGIN %b-----\n%b-----END %b-----\n" % (label.encode(), body, label.encode())
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of keys of kinds that are too weak; they are keys all the same
            # Whether a hostile key's numbers are sound does not matter, and finding out may take minutes.
            public = load_pem_private_key(block, None, unsafe_skip_rsa_key_validation=True).public_key()
            line = public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    except (ValueError, TypeError, AttributeError, UnsupportedAlgorithm):
        return None
    return of_blob(base64.b64decode(line.split()[1]))


def of_putty(lines: bytes) -> PublicHalf | None:
    """Read the public lines of PuTTY's form."""
    try:
        return of_blob(base64.b64decode(b"".join(lines.split()), validate=True))
    except binascii.Error:
        return None


def of_blob(blob: bytes) -> PublicHalf | None:
    """Read a public key as SSH sends it (RFC 4253)."""
    kind, _ = _string(blob, 0)
    if kind is None or not _TYPE.fullmatch(kind):
        return None
    return PublicHalf(type=kind.decode("ascii"), fingerprint=fingerprint(blob))


def _string(data: bytes, at: int) -> tuple[bytes | None, int]:
    """Return the string of RFC 4251 at `at`, and where the next begins; None where it is not whole."""
    end = at + 4 + int.from_bytes(data[at : at + 4], "big")
    return (data[at + 4 : end], end) if at + 4 <= len(data) and end <= len(data) else (None, len(data))
