"""A walk over a whole file system, level by level: what a level needs next is fetched at the same time."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING, Generic, NamedTuple

from amigate.disk.inode_tree.ahead import MOST_UNITS, UNIT_LOG, Ahead, units_of
from amigate.disk.inode_tree.nodes import NodeT
from amigate.disk.inode_tree.runs import on_device
from amigate.disk.reader import MOST_DEPTH, MOST_ENTRIES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from amigate.disk.blocks import Extent
    from amigate.disk.inode_tree.nodes import Nodes
    from amigate.disk.inode_tree.runs import Run
    from amigate.evidence.file_system import Inode

TYPE = 0o170000
"""The part of a mode that says what kind of file it is."""
_FOLDER = stat.S_IFDIR

_MOST_CHUNKS = 512
"""Chunks of inodes that are fetched at the same time: fewer than are kept, and a unit holds sixteen."""
_MOST_AT_ONCE = 65536
"""Names that are held until their inodes are fetched."""
_MOST_NODES = 16384
"""Folders of a level whose inodes are kept until they are looked into; those of more are read again."""
_MOST_FOLDERS = 4096
"""Folders that are held until their blocks are fetched."""


class _Names(NamedTuple):
    """Entries that are not looked at yet: paths, and the inodes that they mean."""

    paths: list[str]
    numbers: list[int]


class _Waiting(NamedTuple, Generic[NodeT]):
    """A folder that is not looked into yet."""

    path: str
    number: int
    node: NodeT | None
    """None where there were too many to keep."""


class _Folder(NamedTuple, Generic[NodeT]):
    path: str
    node: NodeT
    runs: list[Run]


class Walk(Generic[NodeT]):
    """One walk over a whole tree; `note` is told what could not be read."""

    def __init__(self, nodes: Nodes[NodeT], note: Callable[[str], None]) -> None:
        self._nodes = nodes
        self._note = note
        self._ahead = Ahead(nodes)

    def entries(self) -> Iterator[tuple[str, Inode]]:
        """Yield path and inode of every entry, level by level."""
        self._ahead.go_on()
        root = self._nodes.root
        seen = {root}
        level: list[_Waiting[NodeT]] = [_Waiting("", root, None)]
        left = MOST_ENTRIES
        for _ in range(MOST_DEPTH):
            below: list[_Waiting[NodeT]] = []
            for names in self._with_inodes(self._names(level)):
                left -= len(names.paths)
                if left < 0:
                    self._note(f"{names.paths[0]}: there are more than {MOST_ENTRIES} entries")
                    return
                yield from self._looked_at(names, below, seen)
            level = below
            if not level:
                return
        for folder in level:
            self._note(f"{folder.path}: it lies more than {MOST_DEPTH} folders deep")

    def _looked_at(self, names: _Names, below: list[_Waiting[NodeT]], seen: set[int]) -> Iterator[tuple[str, Inode]]:
        """Yield what is told of some entries; folders among them that were not `seen` go `below`."""
        lstat = self._nodes.lstat
        for path, number in zip(*names, strict=True):
            try:
                inode = lstat(number)
                if inode.mode & TYPE == _FOLDER and self._is_new(path, number, seen):
                    node = self._nodes.with_forks(inode) if len(below) < _MOST_NODES else None
                    below.append(_Waiting(path, number, node))
            except OSError as error:
                self._note(f"{path}: {error}")
            else:
                yield path, inode

    def _is_new(self, path: str, number: int, seen: set[int]) -> bool:
        """Whether a folder was not seen in another place."""
        if number in seen:
            self._note(f"{path}: the folder (inode {number}) is in another place too")
            return False
        seen.add(number)
        return True

    def _names(self, level: list[_Waiting[NodeT]]) -> Iterator[_Names]:
        """Yield what is in the folders of a level, some at a time."""
        for batch in self._with_blocks(self._folders(level)):
            for path, node, runs in batch:
                try:
                    for names, numbers in self._nodes.entries(node, runs):
                        yield _Names([f"{path}/{name}" for name in names], numbers)
                except OSError as error:
                    self._note(f"{path or '/'}: {error}")

    def _folders(self, level: list[_Waiting[NodeT]]) -> Iterator[_Folder[NodeT]]:
        """Yield the folders of a level with where their entries lie."""
        for at in range(0, len(level), _MOST_CHUNKS):
            part = level[at : at + _MOST_CHUNKS]
            self._nodes.prefetch(self._nodes.chunks_of(number for _, number, node in part if node is None))
            for path, number, known in part:
                try:
                    node = known or self._nodes.node(number)
                    yield _Folder(path, node, self._nodes.folder_runs(node))
                except OSError as error:
                    self._note(f"{path or '/'}: {error}")

    def _with_inodes(self, names: Iterable[_Names]) -> Iterator[_Names]:
        """Yield entries in batches, the inodes of each fetched."""
        batch = _Names([], [])
        chunks: set[int] = set()
        for some in names:
            batch.paths.extend(some.paths)
            batch.numbers.extend(some.numbers)
            chunks |= self._nodes.chunks_of(some.numbers)
            if len(chunks) >= _MOST_CHUNKS or len(batch.paths) >= _MOST_AT_ONCE:
                self._nodes.prefetch(chunks)
                yield batch
                batch, chunks = _Names([], []), set()
        self._nodes.prefetch(chunks)
        yield batch

    def _with_blocks(self, folders: Iterable[_Folder[NodeT]]) -> Iterator[list[_Folder[NodeT]]]:
        """Yield folders in batches, the blocks of each fetched."""
        block_log = self._nodes.block_log
        log = UNIT_LOG - block_log
        batch: list[_Folder[NodeT]] = []
        extents: list[Extent] = []
        units: set[int] = set()
        for folder in folders:
            batch.append(folder)
            for run in folder.runs:
                first, last = run.start >> log, run.start + run.length - 1 >> log
                if first == last and first in units:
                    continue  # as most do
                extent = on_device(run, block_log)
                new = units_of(extent)
                if not units.issuperset(new):
                    extents.append(extent)
                    units.update(new)
            if len(units) >= MOST_UNITS or len(batch) >= _MOST_FOLDERS:
                self._fetch(extents, units)
                yield batch
                batch, extents, units = [], [], set()
        self._fetch(extents, units)
        yield batch

    def _fetch(self, extents: list[Extent], units: set[int]) -> None:
        """Ask for what is read now, and for what may be read then."""
        self._nodes.blocks.prefetch(extents)
        self._ahead.go_on(units)
