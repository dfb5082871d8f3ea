"""The ephemeral key of one launch; its private half never leaves memory, unless the user keeps the instance."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import paramiko


@dataclass(frozen=True, kw_only=True)
class LoginKey:
    """An ed25519 key pair."""

    private: paramiko.Ed25519Key = field(repr=False)
    public_line: str
    """As in authorized_keys: type and base64, without a comment."""
    fingerprint: str
    """SHA256:… as `ssh-keygen -l` prints it."""
    pem: str = field(default="", repr=False)
    """The private half, as OpenSSH keeps it in a file."""


def make_login_key() -> LoginKey:
    """Make a key that nobody has seen before."""
    import paramiko  # noqa: PLC0415 - slow to import, needed only once something runs
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415

    pem = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.OpenSSH,
        serialization.NoEncryption(),
    )
    private = paramiko.Ed25519Key(file_obj=io.StringIO(pem.decode("ascii")))
    return LoginKey(
        private=private,
        public_line=f"{private.get_name()} {private.get_base64()}",
        fingerprint=private.fingerprint,
        pem=pem.decode("ascii"),
    )
