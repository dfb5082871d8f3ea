"""Tokens of the EBS direct APIs: opaque, bound to what they were given for, and good for a while."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
import struct
import time

BLOCK_LIFE_S = 7 * 24 * 3600
PAGE_LIFE_S = 3600
_HEAD = struct.Struct(">QQ")


class InvalidTokenError(Exception):
    """A token that was not given out for this, or too long ago."""


class Tokens:
    """Makes and reads tokens with a key of its own."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)

    def now(self) -> float:
        """Return the time by which tokens expire, in seconds since 1970."""
        return time.time()

    def make(self, number: int, expires: float, *purpose: str) -> str:
        """Return a token that says a number, for one purpose only."""
        head = _HEAD.pack(number, int(expires))
        return base64.b64encode(head + self._seal(head, purpose)).decode()

    def read(self, token: str, *purpose: str) -> int:
        """Return the number; InvalidTokenError for a token of another purpose, and for one that has expired."""
        try:
            raw = base64.b64decode(token, validate=True)
        except (binascii.Error, ValueError) as error:
            raise InvalidTokenError from error
        head = raw[: _HEAD.size]
        if len(head) < _HEAD.size or not hmac.compare_digest(raw[_HEAD.size :], self._seal(head, purpose)):
            raise InvalidTokenError
        number, expires = _HEAD.unpack(head)
        if self.now() > expires:
            raise InvalidTokenError
        return int(number)

    def _seal(self, head: bytes, purpose: tuple[str, ...]) -> bytes:
        return hmac.digest(self._key, head + "\0".join(purpose).encode(), hashlib.sha256)
