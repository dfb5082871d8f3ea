"""Access keys of AWS in bytes: an id with a secret beside it, or a secret beside the name of the setting.

Ids have a prefix by what they are for, then base32:
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-prefixes. Those that AWS's
documentation shows end with EXAMPLE, and their secrets with EXAMPLEKEY; a SHA-1 is as long and has no capitals."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from amigate.detect.hits import Hit, Sort

if TYPE_CHECKING:
    from collections.abc import Iterator

NEAR_BYTES = 512
"""How far from an id, before or behind it, its secret may stand."""

_ID = re.compile(rb"(?<![A-Za-z0-9])A[KS]IA[A-Z2-7]{16}(?![A-Za-z0-9])")
_SECRET = re.compile(rb"(?<![A-Za-z0-9/+=])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])")
_NAMED = re.compile(
    rb"(?i:aws.{0,3}secret(?:.{0,3}access)?.{0,3}key|secret.?access.?key)(?:_id)?"
    rb"[\"'\]]{0,2}[ \t]{0,8}(?:=>?|:|,|[ \t])[ \t]{0,8}[\"'\\]{0,2}"
    rb"(?P<secret>[A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])"
)
_NAMES = (b"SECRET", b"ecret")
"""One of these is in every name of the setting; the first letter may be a capital."""
_LONGEST_NAME = 32
_LEAST_KINDS = 15
"""Different characters in a secret: forty random ones have fewer once in a thousand million."""


def aws_keys(data: bytes, start: int, end: int) -> Iterator[Hit]:
    """Yield the access keys in `data` whose id begins from `start` up to `end`, and the secrets that have no id."""
    for prefix in (b"AKIA", b"ASIA"):
        at = data.find(prefix, start, end + 3)
        while at >= 0:
            match = _ID.match(data, at)
            if match is not None and not match[0].endswith(b"EXAMPLE") and _secret_near(data, at):
                yield Hit(sort=Sort.AWS_KEY, offset=at, detail=_detail(match[0].decode("ascii")))
            at = data.find(prefix, at + 1, end + 3)
    yield from _named(data, start, end)


def _detail(key_id: str) -> str:
    kind = "a temporary access key of AWS" if key_id.startswith("ASIA") else "an access key of AWS"
    return f"{kind} with its secret, whose id is {key_id[:4]}…{key_id[-4:]}"


def _secret_near(data: bytes, at: int) -> bool:
    around = data[max(0, at - NEAR_BYTES) : at + 20 + NEAR_BYTES]
    return any(_is_secret(match[0]) for match in _SECRET.finditer(around))


def _named(data: bytes, start: int, end: int) -> Iterator[Hit]:
    """Yield secrets that stand behind the name of their setting, with no id near."""
    seen = -1
    for name in _NAMES:
        at = data.find(name, start, end + _LONGEST_NAME)
        while at >= 0:
            match = _NAMED.search(data, max(0, at - _LONGEST_NAME), at + NEAR_BYTES)
            if match is not None and match.start() <= at < match.end() and match.start() != seen:
                seen = match.start()
                if start <= seen < end and _is_secret(match["secret"]) and not _id_near(data, seen):
                    yield Hit(sort=Sort.AWS_KEY, offset=seen, detail="a secret access key of AWS, behind its name")
            at = data.find(name, at + 1, end + _LONGEST_NAME)


def _id_near(data: bytes, at: int) -> bool:
    """Whether the secret at `at` is told by its id already."""
    around = data[max(0, at - NEAR_BYTES // 2) : at + NEAR_BYTES // 2]
    return any(not match[0].endswith(b"EXAMPLE") for match in _ID.finditer(around))


def _is_secret(text: bytes) -> bool:
    """Whether 40 characters may be a secret: capitals, small letters, many different ones, and no example."""
    has_both = text.upper() != text != text.lower()
    return has_both and len(set(text)) >= _LEAST_KINDS and not text.endswith(b"EXAMPLEKEY")
