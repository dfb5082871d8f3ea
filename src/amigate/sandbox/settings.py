"""What one run of the sandbox is, as plain values."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

ACCOUNT_ID = "123456789012"
"""The caller's account; fixed, as moto's own parts assume it."""
_KEY_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


def _access_key_id() -> str:
    return "AKIA" + "".join(secrets.choice(_KEY_LETTERS) for _ in range(16))


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Choices of the caller and credentials that are new in every run."""

    region: str
    ssh_port: int
    memory_mib: int
    account_id: str = ACCOUNT_ID
    access_key_id: str = field(default_factory=_access_key_id)
    secret_access_key: str = field(default_factory=lambda: secrets.token_urlsafe(30), repr=False)
