"""Access keys of AWS: an id with a secret near it, or a secret by its name.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html; that a secret is forty characters of base64
is how AWS makes them. Documentation writes EXAMPLE into its secrets, which chance does not in the age of the world."""

from __future__ import annotations

import re
from bisect import bisect_left
from typing import TYPE_CHECKING

from amigate.disk.carve.secret import Kind, Secret, places

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from amigate.evidence.redaction.kept import Mac

_ID = re.compile(rb"A[KS]IA[A-Z0-9]{16}(?![A-Za-z0-9])")
_SECRET = re.compile(rb"(?<![A-Za-z0-9/+=])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])")
_NAMES = (b"aws_secret_access_key", b"AWS_SECRET_ACCESS_KEY", b"ecretAccessKey")
MARKS = (b"AKIA", b"ASIA", *_NAMES)
_ASSIGNED = re.compile(rb"\\?[\"']?\s{0,8}(?:[:=]|=>|>)\s{0,8}\\?[\"']?(?=[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=]))")
_NEAR_BYTES = 512
_ID_BYTES = 20
_SECRET_BYTES = 40
_LEAST_DIFFERENT = 18
"""Characters in a secret: by chance 30, and so few once in a million; a number in hexadecimal has sixteen at most."""


def find(data: bytes, begin: int, end: int, mac: Mac) -> Iterator[Secret]:
    """Find ids whose secret is near, and secrets that stand behind their name."""
    ids = [match.start() for match in _ID.finditer(data, begin, min(end + _ID_BYTES, len(data))) if match.start() < end]
    ids = [at for at in ids if not data[max(at - 1, 0) : at].isalnum()]
    if ids:
        first, last = max(ids[0] - _NEAR_BYTES, 0), ids[-1] + _ID_BYTES + _NEAR_BYTES
        found = (match.start() for match in _SECRET.finditer(data, first, last))
        secrets = [at for at in found if _is_random(data[at : at + _SECRET_BYTES])]
        for at in ids:
            if (secret := _nearest(secrets, at)) is not None:
                yield _found(data, "access key", at, secret, mac)
    for name in _NAMES:
        for at in places(data, name, begin, end):
            assigned = _ASSIGNED.match(data, at + len(name))
            if assigned and _is_random(data[assigned.end() : assigned.end() + _SECRET_BYTES]):
                yield _found(data, "secret key", at, assigned.end(), mac)


def _nearest(secrets: Sequence[int], at: int) -> int | None:
    """Return the secret that is nearest to an id."""
    index = bisect_left(secrets, at)
    near = [(abs(secret - at), secret) for secret in secrets[max(index - 1, 0) : index + 1]]
    return min((pair for pair in near if pair[0] <= _NEAR_BYTES), default=(0, None))[1]


def _is_random(text: bytes) -> bool:
    """Whether AWS may have made a secret so: not a digest in hexadecimal, not an example."""
    return (
        len(set(text)) >= _LEAST_DIFFERENT and text != text.upper() and text != text.lower() and b"EXAMPLE" not in text
    )


def _found(data: bytes, what: str, at: int, secret: int, mac: Mac) -> Secret:
    return Secret(
        kind=Kind.AWS_ACCESS_KEY,
        what=what,
        begin=min(at, secret),
        end=max(at + _ID_BYTES, secret + _SECRET_BYTES),
        fingerprint=mac(data[secret : secret + _SECRET_BYTES]),
    )
