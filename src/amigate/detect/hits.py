"""What a detector says of bytes: what lies where, and nothing of the secret itself."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

DETECTORS_VERSION: Final = 1
"""Goes up whenever a detector finds what it did not find before: what an older one did not find is not known."""


class Sort(StrEnum):
    """What was found."""

    PRIVATE_KEY = "private-key"
    AWS_KEY = "aws-key"
    """An access key id of AWS with a secret beside it, or a secret beside its name."""
    KEY_STORE = "key-store"
    """A container that may hold a private key, or one that holds secret keys of OpenPGP."""
    NAME = "name"
    """Something whose name says what it is, and whose content does not say that it is harmless."""


@dataclass(frozen=True, kw_only=True)
class Hit:
    """Something secret, at `offset` of the bytes that were looked at."""

    sort: Sort
    offset: int
    detail: str
    """In words; never the secret."""
    fingerprint: str = ""
    """SHA256 of the public half of a key, as `ssh-keygen -l` prints it, where it can be told."""
