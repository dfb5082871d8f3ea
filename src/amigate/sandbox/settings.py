"""What one run of the sandbox is, as plain values."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

ACCOUNT_ID = "123456789012"
"""The first caller's account; fixed, as moto's own parts assume it."""
_KEY_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


def new_access_key_id() -> str:
    """Return an access key id that nobody can guess."""
    return "AKIA" + "".join(secrets.choice(_KEY_LETTERS) for _ in range(16))


def new_secret() -> str:
    """Return what belongs to an access key."""
    return secrets.token_urlsafe(30)


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """What a caller of one account signs with."""

    account_id: str
    access_key_id: str = field(default_factory=new_access_key_id)
    secret_access_key: str = field(default_factory=new_secret, repr=False)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Choices of the caller and credentials that are new in every run."""

    region: str
    ssh_port: int
    memory_mib: int
    account_id: str = ACCOUNT_ID
    access_key_id: str = field(default_factory=new_access_key_id)
    secret_access_key: str = field(default_factory=new_secret, repr=False)
