"""Base64 as it stands in files: over lines, indented, or as one string of JSON with its line ends escaped."""

from __future__ import annotations

import binascii
import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from typing import Final

_TEXT: Final = re.compile(rb"[A-Za-z0-9+/\s\\]*+(?:=[=\s]{0,3})?")
_ESCAPED: Final = re.compile(rb"\\[nrt]?")
_BLANK: Final = b" \t\n\r\f\v"


class Decoded(NamedTuple):
    """What was encoded, as far as it goes on, and where it ended."""

    data: bytes
    end: int


def decode(text: bytes, at: int, most: int) -> Decoded:
    """Decode what is base64 from `at` on, at most `most` characters."""
    found = _TEXT.match(text, at, at + most)
    assert found is not None
    written = _ESCAPED.sub(b"", found[0]) if b"\\" in found[0] else found[0]
    digits = written.translate(None, _BLANK).rstrip(b"=")
    digits = digits[:-1] if len(digits) % 4 == 1 else digits
    return Decoded(binascii.a2b_base64(digits + b"=" * (-len(digits) % 4)), found.end())
