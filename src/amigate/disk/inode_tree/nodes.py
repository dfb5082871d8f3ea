"""What a kind of file system has to tell of its inodes, so that its tree can be walked and paths be answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from amigate.disk.blocks import Blocks
    from amigate.disk.inode_tree.ahead import InodeTable
    from amigate.disk.inode_tree.names import Names
    from amigate.disk.inode_tree.runs import Run
    from amigate.evidence.file_system import Inode


class Node(Protocol):
    """An inode, and what else is needed to read what it holds."""

    @property
    def inode(self) -> Inode:
        """What lstat(2) tells of it."""


NodeT = TypeVar("NodeT", bound=Node)


class Nodes(Protocol[NodeT]):
    """The inodes of a file system, and what they hold. All of it raises IncompleteError for damage."""

    blocks: Blocks
    block_log: int
    """The size of a block of the file system, as a power of two."""
    root: int
    """The number of the inode of the root."""

    def lstat(self, number: int) -> Inode:
        """Return what is told of an inode that is in use."""

    def node(self, number: int) -> NodeT:
        """Return an inode with what it holds."""

    def with_forks(self, inode: Inode) -> NodeT:
        """Return an inode that was just looked at with what it holds."""

    def chunks_of(self, numbers: Iterable[int]) -> set[int]:
        """Return which chunks inodes lie in: as many of them as are read at once."""

    def prefetch(self, chunks: Iterable[int]) -> None:
        """Say which chunks will be read soon."""

    def tables(self) -> Iterator[InodeTable]:
        """Yield where inodes lie that may be in use, as far as little tells it; nothing where that is damaged.

        For asking ahead: neither complete nor to be believed."""

    def folder_places(self, numbers: range) -> Iterator[tuple[int, int]]:
        """Yield where on the device blocks of those inodes of a table lie that are folders, and how many.

        As far as the inodes themselves say it, for asking ahead: not believed, and not complete."""

    def folder_runs(self, node: NodeT) -> list[Run]:
        """Return where the blocks of a folder lie."""

    def entries(self, node: NodeT, runs: list[Run] | None = None) -> Iterator[Names]:
        """Yield what is in a folder, some at a time, without `.` and `..`; `runs` is what `folder_runs` returned."""

    def runs(self, node: NodeT) -> Iterator[Run]:
        """Yield where the content of a regular file lies, in the order of the file, unless it lies in the inode."""

    def inside(self, node: NodeT) -> bytes | None:
        """Return the content of a regular file that lies in its inode, else None; what cannot be read raises."""

    def target(self, node: NodeT) -> bytes:
        """Return where a link leads."""

    def xattrs(self, node: NodeT) -> dict[str, bytes]:
        """Return the extended attributes as getxattr(2) shows them to root."""
