"""What a detector finds in some bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from amigate.evidence.redaction.kept import Mac

MOST_BYTES = 32 * 1024
"""Of one secret: an RSA key of 16384 bits takes 13 KiB in PEM. What is longer is seen as one that breaks off."""
BEFORE_BYTES = 1024
"""So much in front of what a detector looks for is shown to it."""


class Kind(StrEnum):
    """Kind of a secret."""

    PRIVATE_KEY = "private-key"
    AWS_ACCESS_KEY = "aws-access-key"
    PASSWORD_HASH = "password-hash"  # noqa: S105 - a kind of secret


@dataclass(frozen=True, kw_only=True)
class Secret:
    """Where a secret is, and what may be said of it."""

    kind: Kind
    what: str
    """`RSA PRIVATE KEY` …, `openssh-key-v1`, `PuTTY`; `access key`, `secret key`; a scheme of crypt(5)."""
    begin: int
    """Where it begins in the bytes that were looked at."""
    end: int
    fingerprint: str
    """Of a key whose public half is known, as `ssh-keygen -l` prints it, or `spki:` and its SHA-256; of one that has no
    known public half `der:` and its own; of everything else a keyed digest."""
    is_encrypted: bool = False
    is_whole: bool = True
    """False for a key that breaks off after a part of what is secret in it."""


Detector = Callable[[bytes, int, int, Mac], Iterator[Secret]]
"""Yields what begins in some bytes, or has its mark there, from one index up to another. Takes time in proportion."""


def places(data: bytes, literal: bytes, begin: int, end: int) -> Iterator[int]:
    """Yield where a literal begins, from `begin` up to `end`."""
    at = data.find(literal, begin, end + len(literal) - 1)
    while at >= 0:
        yield at
        at = data.find(literal, at + len(literal), end + len(literal) - 1)
