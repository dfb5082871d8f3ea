"""What a reader of a file system's blocks can do: a `FileSystem`, walked as a whole, and mapped to its device."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from amigate.evidence.file_system import FileSystem, Prefetching

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from amigate.disk.blocks import Extent
    from amigate.evidence.file_system import Inode

MOST_ENTRIES = 5_000_000
"""Most entries of one walk."""
MOST_DEPTH = 256
"""Folders within folders, at most; what lies deeper is damage."""
MOST_FOLDER_BYTES = 256 * 1024 * 1024
MOST_EXTENTS = 1_000_000
"""Of one file."""


class Reader(FileSystem, Prefetching, Protocol):
    """A file system read from its blocks.

    Opening one raises UnsupportedError or IncompleteError (both OSError). A method about a path raises
    FileNotFoundError or NotADirectoryError only where the folder was read whole: absence is proven, else it is
    IncompleteError. Damage never shows as less: it raises, or a walk goes on and notes it in `damage`."""

    kind: str
    """`ext2`, `ext3`, `ext4`, `vfat` or `xfs`."""
    uuid: str
    """As blkid(8) prints it."""
    label: str
    block_bytes: int
    """Of the blocks in which it gives room."""

    @property
    def damage(self) -> Sequence[str]:
        """What a walk could not read, a sentence each with path or inode number; no more than the first hundred."""

    def walk(self) -> Iterator[tuple[str, Inode]]:
        """Yield every entry below the root, level by level, and prefetch what the next level needs."""

    def xattrs(self, path: str) -> Mapping[str, bytes]:
        """Return the extended attributes of what is at `path` by their full names (`security.selinux` …)."""

    def extents(self, path: str) -> Iterator[Extent]:
        """Yield where the content of a regular file lies on the device: no holes, nothing that lies in its inode."""

    def is_free(self, offset: int) -> bool:
        """Whether the block that holds the byte `offset` of the device is one that nothing uses."""

    def free_extents(self) -> Iterator[Extent]:
        """Yield the blocks that nothing uses, ascending and not overlapping; what lies behind the file system is none.

        Raises IncompleteError, before the end, where they cannot be told."""
