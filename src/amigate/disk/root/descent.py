"""Everything below one folder of a file system."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING, NamedTuple

from amigate.disk.reader import MOST_DEPTH, MOST_ENTRIES
from amigate.disk.root.table import join

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from amigate.disk.reader import Reader
    from amigate.disk.root.part import Part
    from amigate.evidence.file_system import Inode


class Found(NamedTuple):
    """An entry of a tree."""

    path: str
    inode: Inode
    part: Part
    """The volume that it is on."""
    inner: str
    """Its path on that volume."""


def descend(part: Part, inner: str, at: str, note: Callable[[str], None]) -> Iterator[Found]:
    """Yield what is below the folder `inner` of a volume, with paths as if that folder were `at`, level by level.

    What cannot be read is noted, in a sentence with its path. Of a file, nothing is yielded."""
    if part.reader is None or not stat.S_ISDIR(part.reader.lstat(inner).mode):
        return
    level = [inner]
    left = MOST_ENTRIES
    for _ in range(MOST_DEPTH):
        below: list[str] = []
        for path, inode in _entries(part.reader, level, lambda path, error: note(f"{part.prefix}{path}: {error}")):
            left -= 1
            if left < 0:
                note(f"{at}: there are more than {MOST_ENTRIES} entries")
                return
            below += [path] if stat.S_ISDIR(inode.mode) else []
            yield Found(join(at, path[len(inner.rstrip("/")) :]), inode, part, path)
        level = below
        if not level:
            return
    note(f"{at}: there are folders more than {MOST_DEPTH} deep")


def _entries(reader: Reader, folders: list[str], failed: Callable[[str, OSError], None]) -> Iterator[tuple[str, Inode]]:
    """Yield what is in some folders."""
    for folder in folders:
        try:
            for path in (join(folder, name) for name in reader.listdir(folder)):
                try:
                    inode = reader.lstat(path)
                except OSError as error:
                    failed(path, error)
                else:
                    yield path, inode
        except OSError as error:
            failed(folder, error)
