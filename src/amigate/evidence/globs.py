"""Patterns of paths as the shell of the image reads them: glob(7) in the C locale."""

from __future__ import annotations

import re
from functools import lru_cache


def covers(pattern: str, path: str) -> bool:
    """Whether `pattern` would have matched `path` in the C locale: `*` stops at a slash, `?` is one byte.

    A leading dot is matched by a dot only. Only `*` and `?` are wildcards.
    """
    return path.startswith(_start(pattern)) and _compiled(pattern).fullmatch(_bytes(path)) is not None


@lru_cache(maxsize=4096)
def _start(pattern: str) -> str:
    """Return what every match begins with; most paths do not, and are not looked at further."""
    return re.split(r"[*?]", pattern, maxsplit=1)[0]


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[bytes]:
    return re.compile(b"/".join(_part(part) for part in _bytes(pattern).split(b"/")))


def _part(pattern: bytes) -> bytes:
    """Return the expression for one name; what lies between two stars is taken where it first fits, and stays so."""
    first, *others = (re.escape(piece).replace(rb"\?", b"[^/]") for piece in pattern.split(b"*"))
    guard = b"" if pattern.startswith(b".") else rb"(?!\.)"
    inner = b"".join(b"(?>[^/]*?" + piece + b")" for piece in others[:-1])
    return guard + first + inner + (b"[^/]*" + others[-1] if others else b"")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
