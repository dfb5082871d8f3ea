"""Which kinds a file may be of, and what of these it holds."""

from __future__ import annotations

import re
from collections import defaultdict
from fnmatch import translate
from typing import TYPE_CHECKING

from amigate.detect.credentials import (
    agents,
    applications,
    clouds,
    clusters,
    databases,
    management,
    networks,
    registries,
    repositories,
)
from amigate.detect.hits import Hit
from amigate.detect.values import plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from amigate.detect.credentials.kind import Kind

KINDS: tuple[Kind, ...] = (
    *repositories.KINDS,
    *registries.KINDS,
    *clouds.KINDS,
    *agents.KINDS,
    *management.KINDS,
    *databases.KINDS,
    *applications.KINDS,
    *networks.KINDS,
    *clusters.KINDS,
)
"""What is looked for. Several kinds may want the same file."""
_MOST_BYTES = 512 * 1024
"""Of one file, from its beginning; no configuration is larger."""
_MOST_HITS = 10
"""In one file, of one kind."""


def _index() -> tuple[dict[str, list[Kind]], list[tuple[Kind, re.Pattern[str]]], re.Pattern[str]]:
    plain_names: dict[str, list[Kind]] = defaultdict(list)
    patterns: list[tuple[Kind, re.Pattern[str]]] = []
    for kind in KINDS:
        for name in kind.names.split():
            if set(name) & set("*?["):
                patterns.append((kind, re.compile(translate(name), re.DOTALL)))
            else:
                plain_names[name].append(kind)
    every = "|".join(f"(?:{form.pattern})" for form in {form.pattern: form for _, form in patterns}.values())
    return dict(plain_names), patterns, re.compile(every, re.DOTALL)


_PLAIN_NAMES, _PATTERNS, _ANY_PATTERN = _index()
_FOLDERS = {kind.folder: re.compile(kind.folder) for kind in KINDS}


def kinds_of(path: str) -> list[Kind]:
    """Return the kinds that a file may be of, by its name and its folder."""
    folder, _, name = path.rpartition("/")
    found = list(_PLAIN_NAMES.get(name, ()))
    if _ANY_PATTERN.match(name):
        found += [kind for kind, form in _PATTERNS if form.match(name)]
    return list({id(kind): kind for kind in found if _FOLDERS[kind.folder].search(f"{folder}/")}.values())


def credentials(path: str, content: bytes) -> Iterator[Hit]:
    """Yield what a file that `kinds_of` knows holds."""
    text = plain(content[:_MOST_BYTES])
    for kind in kinds_of(path):
        for at in sorted(set(kind.read(text)))[:_MOST_HITS]:
            yield Hit(sort=kind.sort, offset=at, detail=kind.detail)
