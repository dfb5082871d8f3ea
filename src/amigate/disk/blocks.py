"""Bytes of an image, wherever they come from: the interface between block sources, volumes and file systems."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class IncompleteError(OSError):
    """What was to be read is damaged, missing or beyond a limit: that something was not seen there proves nothing."""


class UnsupportedError(OSError):
    """A format, or a feature of one, that is not read; the message names it."""


@dataclass(frozen=True, order=True)
class Extent:
    """A run of bytes."""

    offset: int
    length: int

    @property
    def end(self) -> int:
        """The offset of the first byte after it."""
        return self.offset + self.length


class Blocks(Protocol):
    """A device as its bytes. What was never written reads as zeros and costs nothing."""

    @property
    def size(self) -> int:
        """Bytes of the whole device."""

    def read(self, offset: int, length: int) -> bytes:
        """Return exactly `length` bytes; raises IncompleteError, also beyond the end of the device."""

    def prefetch(self, extents: Iterable[Extent]) -> None:
        """Say what will be read soon, so that it is fetched at the same time; changes no answer, raises nothing."""

    def written(self) -> Iterator[Extent]:
        """Yield what may hold anything but zeros, in ascending order and not overlapping."""
