"""Which files are as their packages brought them, by the digests that dpkg keeps of them.

dpkg's lists are https://manpages.debian.org/dpkg.1#FILES: `info/*.md5sums` has every file but the conffiles, and those
stand in `status`. Whoever changes a list too deceives this: it tells what a package brought from what a builder left,
and is no proof against somebody who means to hide a key. Other managers' databases are not read at rest."""

from __future__ import annotations

import hashlib
import re
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING

from amigate.evidence.pieces import pieces

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from amigate.evidence.file_system import FileSystem

_INFO = "/var/lib/dpkg/info"
_STATUS = "/var/lib/dpkg/status"
APK_DATABASES = ("/lib/apk/db/installed", "/usr/lib/apk/db/installed")
_CAP_BYTES = 16 * 1024 * 1024
_MOST_LISTS = 20_000
MERGED = re.compile(r"/usr(?=/(?:s?bin|lib(?:32|64|x32)?)/)")
"""A folder that packages may still know by its old name."""
_STATUS_LINE = re.compile(r" (/.+) ([0-9a-f]{32})(?: obsolete)?")


def shipped(files: FileSystem, paths: Collection[str]) -> dict[str, str]:
    """Return those of `paths` that are as their package brought them, with its name; what cannot be told is not."""
    wanted = {name: path for path in paths for name in (path, MERGED.sub("", path, count=1))}
    known: dict[str, list[tuple[str, str]]] = {}
    with suppress(OSError):
        for package, name, digest in _digests(files, wanted):
            known.setdefault(wanted[name], []).append((digest, package))
    found: dict[str, str] = {}
    for path, digests in known.items():
        with suppress(OSError):
            own = _digest(files, path)
            found.update((path, package) for digest, package in digests if digest == own)
    return found


def every_digest(files: FileSystem) -> Iterator[tuple[str, str, str]]:
    """Yield package, path and MD5 of every file in dpkg's lists but the conffiles; raises OSError where it has none."""
    for name in islice(files.listdir(_INFO), _MOST_LISTS):
        if name.endswith(".md5sums"):
            package = name.removesuffix(".md5sums").partition(":")[0]
            for line in _text(files, f"{_INFO}/{name}").split("\n"):
                yield package, "/" + line[34:], line[:32]


def listed(files: FileSystem, paths: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield path and digest of those of `paths` that are in a list of dpkg's (MD5) or apk's (`Q1`, SHA-1 in base64)."""
    wanted = {name: path for path in paths for name in (path, MERGED.sub("", path, count=1))}
    with suppress(OSError):
        for _, name, digest in _digests(files, wanted):
            yield wanted[name], digest
    for database in APK_DATABASES:
        for name, digest in _of_apk(_text(files, database)):
            if name in wanted:
                yield wanted[name], digest


def _of_apk(text: str) -> Iterator[tuple[str, str]]:
    """Yield files and digests of apk's database: a folder's line, then for each of its files one, and its digest's."""
    folder = name = ""
    for line in text.split("\n"):
        if line.startswith("F:"):
            folder = line[2:]
        elif line.startswith("R:"):
            name = f"/{folder}/{line[2:]}"
        elif line.startswith("Z:") and name:
            yield name, line[2:]


def _digests(files: FileSystem, wanted: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """Yield package, path and digest of what is wanted, of all lists that can be read."""
    yield from _conffiles(files, wanted)
    for package, path, digest in every_digest(files):
        if path in wanted:
            yield package, path, digest


def _conffiles(files: FileSystem, wanted: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    package = ""
    for line in _text(files, _STATUS).split("\n"):
        if line.startswith("Package: "):
            package = line.removeprefix("Package: ").strip()
        elif (match := _STATUS_LINE.fullmatch(line)) is not None and match[1] in wanted:
            yield package, match[1], match[2]


def _text(files: FileSystem, path: str) -> str:
    with suppress(OSError):
        return files.read(path, _CAP_BYTES).decode("utf-8", "surrogateescape")
    return ""


def _digest(files: FileSystem, path: str) -> str:
    total = hashlib.md5(usedforsecurity=False)
    for piece in pieces(files, path):
        total.update(piece)
    return total.hexdigest()
