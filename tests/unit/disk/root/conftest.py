"""File systems that are a dictionary, and the volumes that they are on."""

from __future__ import annotations

import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

from amigate.disk.blocks import Extent, IncompleteError
from amigate.disk.root.part import Part
from amigate.disk.volumes.volume import State, Volume
from amigate.evidence.file_system import Inode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

Content = bytes | str | None
DAMAGED = "damaged"
GPT_ROOT = "4f68bce3-e8cd-4db1-96e7-fbcaf984b709"
LINUX = "0fc63daf-8483-4772-8e79-3d69d8477de4"


@dataclass
class Fake:
    """A `Reader`: paths to contents; folders are made as needed, `-> x` is a link, None a folder, DAMAGED is."""

    content: dict[str, Content]
    uuid: str = ""
    label: str = ""
    kind: str = "xfs"
    block_bytes: int = 4096
    damage: Sequence[str] = ()

    def __post_init__(self) -> None:
        self.entries: dict[str, Content] = {"/": None}
        for path, content in self.content.items():
            at = ""
            for name in path.strip("/").split("/")[:-1]:
                at += f"/{name}"
                self.entries.setdefault(at, None)
            self.entries[path] = content

    def lstat(self, path: str) -> Inode:
        content = self._at(path)
        kind = stat.S_IFDIR | 0o755
        if isinstance(content, bytes):
            kind = stat.S_IFREG | 0o644
        elif isinstance(content, str):
            kind = stat.S_IFLNK | 0o777
        return Inode(mode=kind, uid=0, gid=0, size=0, mtime_ns=0, number=list(self.entries).index(path) + 1)

    def readlink(self, path: str) -> str:
        content = self._at(path)
        assert isinstance(content, str)
        return content.removeprefix("-> ")

    def listdir(self, path: str) -> Iterator[str]:
        if self._at(path) is not None:
            raise NotADirectoryError(path)
        for each in self.entries:
            folder, _, name = each.rpartition("/")
            if name and (folder or "/") == path:
                yield name

    def read(self, path: str, cap_bytes: int) -> bytes:
        content = self._at(path)
        if not isinstance(content, bytes):
            raise IsADirectoryError(path)
        return content[:cap_bytes]

    def prefetch(self, paths: Iterable[str], cap_bytes: int) -> int:
        return 0

    def walk(self) -> Iterator[tuple[str, Inode]]:
        for path in self.entries:
            if path != "/":
                try:
                    yield path, self.lstat(path)
                except IncompleteError as error:
                    self.damage = [*self.damage, str(error)]

    def xattrs(self, path: str) -> Mapping[str, bytes]:
        return {"user.path": f"{self.uuid}{path}".encode()}

    def extents(self, path: str) -> Iterator[Extent]:
        yield Extent(self.lstat(path).number * 4096, 10)

    def is_free(self, offset: int) -> bool:
        return False

    def free_extents(self) -> Iterator[Extent]:
        yield from ()

    def _at(self, path: str) -> Content:
        content = self.entries.get(path, "missing")
        if content == DAMAGED:
            raise IncompleteError(f"{path} is damaged")
        if content == "missing":
            raise FileNotFoundError(path)
        return content


def partition(number: int, reader: Fake | None = None, *, disk: str = "sda", **what: str | State) -> Part:
    """Return a partition of a GPT."""
    told = {"kind": "xfs", "type": LINUX, "uuid": f"0000000{number}-aaaa", "state": State.READABLE} | what
    return Part(volume=Volume(name=f"{disk}/p{number}", **told), reader=reader)  # type: ignore[arg-type]


def logical(name: str, reader: Fake | None = None) -> Part:
    """Return a logical volume."""
    return Part(volume=Volume(name=name, kind="xfs", state=State.READABLE, uuid=f"lvm-{name}"), reader=reader)


def root(fstab: str = "", *, uuid: str = "root-uuid", more: Mapping[str, Content] | None = None) -> Fake:
    """Return a root file system, with `more` in it."""
    content: dict[str, Content] = {"/etc/passwd": b"root", "/usr/bin/true": b"", "/home": None}
    if fstab:
        content["/etc/fstab"] = fstab.encode()
    return Fake({**content, **(more or {})}, uuid=uuid)
