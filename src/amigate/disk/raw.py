"""A raw image: a file or a block device, byte for byte the disk."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from typing import TYPE_CHECKING

from amigate.disk.blocks import Extent, IncompleteError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path
    from typing import Self


class Raw:
    """A file or block device, open for as long as the context lasts; safe to use from several threads."""

    def __init__(self, path: Path) -> None:
        """Open it; raises OSError as open(2) does."""
        self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self._name = path.name
        self.size = os.lseek(self._file, 0, os.SEEK_END)  # of a block device, fstat(2) says 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._file)

    def read(self, offset: int, length: int) -> bytes:
        """Return exactly `length` bytes; raises IncompleteError, also where the file became shorter meanwhile."""
        if offset < 0 or length < 0 or offset + length > self.size:
            raise IncompleteError(f"{self._name} has no {length} bytes at {offset}")
        found: list[bytes] = []
        end = offset + length
        while offset < end:
            try:
                part = os.pread(self._file, end - offset, offset)
            except OSError as error:
                raise IncompleteError(f"{self._name} cannot be read at {offset}: {error.strerror}") from error
            if not part:
                raise IncompleteError(f"{self._name} ends at {offset}, earlier than it did")
            found.append(part)
            offset += len(part)
        return b"".join(found)

    def prefetch(self, extents: Iterable[Extent]) -> None:
        """Ask the kernel to read ahead."""
        with suppress(OSError):
            for extent in extents:
                low, high = max(extent.offset, 0), min(extent.end, self.size)
                if low < high:
                    os.posix_fadvise(self._file, low, high - low, os.POSIX_FADV_WILLNEED)

    def written(self) -> Iterator[Extent]:
        """Yield what is no hole, by SEEK_DATA and SEEK_HOLE of lseek(2); all of it where neither is known."""
        offset = 0
        while offset < self.size:
            try:
                begin = os.lseek(self._file, offset, os.SEEK_DATA)
                offset = os.lseek(self._file, begin, os.SEEK_HOLE)
            except OSError as error:
                if error.errno == errno.ENXIO:  # nothing but holes from here on
                    return
                begin, offset = offset, self.size
            yield Extent(begin, min(offset, self.size) - begin)
