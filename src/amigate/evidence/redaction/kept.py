"""What a redaction keeps, and the placeholders of what it does not."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

MOST_UNKNOWN = 1000
"""Most lines of one file that are replaced by placeholders: with more, the file is another one than it should be."""

_TRIES = 200_000
"""About a twentieth of a second."""

_PLACEHOLDER = re.compile(r"\(not-kept-[0-9]+-[0-9a-f]{32}\)")

Mac = Callable[[bytes], str]
"""Digest under the key of the run: tells like from unlike, and nothing to whoever does not have the key."""


@dataclass(frozen=True, kw_only=True)
class Kept:
    """What is kept of one content."""

    content: bytes | None = None
    summary: Mapping[str, str] = field(default_factory=dict)
    """What is known of a content that is not kept itself."""
    withheld: str = ""
    """Why the content is not kept; empty where it is."""


class UnknownFormError(Exception):
    """The content is not of the form that was declared."""


def decoded(content: bytes) -> str:
    """Return the content as text; bytes that are no UTF-8 survive as surrogates."""
    return content.decode("utf-8", "surrogateescape")


def encoded(text: str) -> bytes:
    """Undo `decoded`."""
    return text.encode("utf-8", "surrogateescape")


def placeholder(text: str, mac: Mac) -> str:
    """Return what stands for `text`: its length in bytes and a digest, in no form that any reader knows."""
    raw = encoded(text)
    return f"(not-kept-{len(raw)}-{mac(raw)})"


def review_digest(content: bytes) -> str:
    """Return a digest that a profile can name: the same in every run, and slow to make, 128 bits.

    Whoever reads it in a report is not to find a short secret in `content` by trying, so each try takes a while."""
    return hashlib.pbkdf2_hmac("sha256", content, b"amigate/review/1", _TRIES).hex()[:32]


def is_placeholder(value: object) -> bool:
    """Whether `value` stands for what is not kept."""
    return isinstance(value, str) and _PLACEHOLDER.fullmatch(value) is not None


def line_by_line(content: bytes, known: Callable[[str], str | None], mac: Mac) -> Kept:
    """Keep what `known` makes of each line, by number; a line for which it returns None becomes a placeholder.

    Lines end with a line feed and nothing else. Raises UnknownFormError where most of it is not known."""
    lines, unknown = [], 0
    for line in decoded(content).split("\n"):
        kept = known(line) if line.strip(" \t\r") else ""  # a form feed is no blank to sshd
        if kept is None:
            unknown += 1
            kept = placeholder(line, mac)
        if unknown > MOST_UNKNOWN:
            raise UnknownFormError
        lines.append(kept)
    return Kept(content=encoded("\n".join(lines)))


def all_lines(content: bytes, is_known: Callable[[str], object]) -> Kept:
    """Keep the content as it is when every line of it is known; else raise UnknownFormError."""
    if not all(is_known(line) for line in decoded(content).split("\n") if line):
        raise UnknownFormError
    return Kept(content=content)
