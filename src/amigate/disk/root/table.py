"""Which file system a path leads to."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING

from amigate.disk.blocks import IncompleteError
from amigate.disk.volumes.volume import State

if TYPE_CHECKING:
    from collections.abc import Iterator

    from amigate.disk.root.part import Part
    from amigate.disk.volumes.volume import Volume


@dataclass(frozen=True, kw_only=True)
class Mount:
    """A file system, or a folder or file of one, in its place."""

    at: str
    part: Part
    inner: str = "/"
    """What of the file system is there."""


@dataclass(frozen=True, kw_only=True)
class Unseen:
    """A place where the machine mounts what cannot be read, so that nothing is known to be absent below it."""

    at: str
    reason: str
    volume: Volume | None = None
    """What is mounted there, where it is a volume of the image; its `state` says whether it is exempt."""
    is_elsewhere: bool = False
    """What is mounted there comes over a network and is no part of the image."""

    @property
    def may_hide(self) -> bool:
        """Whether files of the image may be there that are not read."""
        is_exempt = self.volume is not None and self.volume.state == State.EXEMPT
        return not self.is_elsewhere and not is_exempt


class Table:
    """The mounts of a machine. Places are resolved: no folder in them is a link."""

    def __init__(self, root: Part) -> None:
        self._at: dict[str, Mount | Unseen] = {"/": Mount(at="/", part=root)}
        self._names: dict[str, dict[str, None]] = {}

    def __iter__(self) -> Iterator[Mount | Unseen]:
        return iter(self._at.values())

    def get(self, path: str) -> Mount | Unseen | None:
        """Return what is mounted at `path` itself."""
        return self._at.get(path)

    def put(self, place: Mount | Unseen) -> None:
        """Mount something, in place of what was mounted there."""
        self._at[place.at] = place
        at = place.at
        while at != "/":
            folder, name = posixpath.split(at)
            self._names.setdefault(folder, {})[name] = None
            at = folder

    def names(self, folder: str) -> list[str]:
        """Return the names in a folder that lead to mounts, whether or not there are such entries in it."""
        return list(self._names.get(folder, ()))

    def leads(self, path: str) -> bool:
        """Whether something is mounted below `path`."""
        return path in self._names

    def find(self, path: str) -> tuple[Mount, str]:
        """Return the mount that shows `path`, and where in its file system that is; raises IncompleteError."""
        at = path
        while (place := self._at.get(at)) is None:
            at = posixpath.dirname(at)
        if isinstance(place, Unseen):
            raise IncompleteError(f"{path}: {place.reason}")
        return place, join(place.inner, path[len(at) :])

    def around(self, path: str) -> tuple[Mount, str]:
        """Return the mount in which the place `path` lies, and where in it, as `find` would without that place."""
        folder, name = posixpath.split(path)
        mount, inner = self.find(folder)
        return mount, join(inner, name)


def join(folder: str, rest: str) -> str:
    """Return a path below a folder."""
    return f"{folder.rstrip('/')}/{rest.lstrip('/')}".rstrip("/") or "/"
