"""Working copies of repositories, by the files in which git, Mercurial and Subversion keep where they come from."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from amigate.detect.hits import Hit, Sort

if TYPE_CHECKING:
    from collections.abc import Iterator

_GIT = re.compile(r".*(?:/|\.)git/config", re.DOTALL)
_MERCURIAL = re.compile(r".*/\.hg/(?:hgrc|requires)", re.DOTALL)
_SUBVERSION = re.compile(r".*/\.svn/wc\.db", re.DOTALL)
_REMOTE = re.compile(rb"(?m)^[ \t]*(?:url|default)[ \t]*=[ \t]*(?P<url>\S{1,500})")
_IS_GIT = re.compile(rb"(?m)^[ \t]*\[core\]")
_USER = re.compile(r"^([a-z+]+://)[^/@]*@")
_SHOWN = re.compile(r"[^\w.~/:@+-]", re.ASCII)
_LONGEST = 200
PREFIX = "a checkout of "
UNKNOWN = "a repository without a remote"


def checkouts(path: str, content: bytes) -> Iterator[Hit]:
    """Yield that `path` tells of a checkout, once for each remote, which is named without users, tokens and queries."""
    if _SUBVERSION.fullmatch(path):
        yield Hit(sort=Sort.CHECKOUT, offset=-1, detail=f"{PREFIX}a repository of Subversion")
    elif _MERCURIAL.fullmatch(path) or (_GIT.fullmatch(path) and _IS_GIT.search(content)):
        found = {_remote(match["url"].decode("latin-1")): match.start() for match in _REMOTE.finditer(content)}
        for remote, at in found.items() or ((UNKNOWN, -1),):
            yield Hit(sort=Sort.CHECKOUT, offset=at, detail=f"{PREFIX}{remote}")


def is_checkout(path: str) -> bool:
    """Whether a file's name says that a working copy is there."""
    return any(form.fullmatch(path) for form in (_GIT, _MERCURIAL, _SUBVERSION))


def _remote(url: str) -> str:
    bare = _USER.sub(r"\1", url.partition("?")[0].partition("#")[0])
    return _SHOWN.sub("?", bare)[:_LONGEST]
