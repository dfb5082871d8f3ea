"""A kind of file in which credentials are kept, and how what is in it is read."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from amigate.detect.values import assigned, words

if TYPE_CHECKING:
    from amigate.detect.hits import Sort

Reader = Callable[[bytes], Iterator[int]]
"""Yields where in a content something is; -1 for the file as a whole."""

ANYWHERE = r"^(?:\[[^]]*\])?/(?!usr/(?!local/)|var/lib/(?:docker|containerd)/)"
"""A folder, but where packages alone write, and not within the images of containers."""
XML = (
    r"(?i)<(?:\w+:)?(?:password|passphrase|secret|apiToken|token|privateKey)>"
    r"\s{0,20}(?P<value>[^<\s][^<]{0,500}?)\s{0,20}</"
)
"""An element of XML with a secret in it."""
_COMMENT = re.compile(rb"[ \t\r]*(?:[#;].*|//.*)?")


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of file."""

    sort: Sort
    detail: str
    names: str
    """Of the file itself, patterns with blanks between them."""
    folder: str = ""
    """A regular expression found in the path of its folder, which ends with a slash."""
    read: Reader
    """Yields where in the content something is; -1 for the file as a whole."""


def filled(content: bytes) -> Iterator[int]:
    """Take a file that holds anything but comments."""
    if not all(_COMMENT.fullmatch(line) for line in content.strip(b"\0").split(b"\n")):
        yield -1


def any_of(*readers: Reader) -> Reader:
    """Return what yields all that several readers yield."""

    def read(content: bytes) -> Iterator[int]:
        for each in readers:
            yield from each(content)

    return read


def named(names: str, *, quoted: bool = False) -> Reader:
    """Return what looks for values behind `names`, a regular expression."""
    return partial(assigned, names=names, quoted=quoted)


def form(form: str) -> Reader:
    """Return what looks for a regular expression with a group `value`."""
    return partial(words, form=form)


def holding(word: bytes) -> Reader:
    """Return what takes a file in which `word` stands."""

    def read(content: bytes) -> Iterator[int]:
        if word in content:
            yield -1

    return read
