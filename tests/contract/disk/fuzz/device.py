"""A device in memory that shares an image with others, and some of whose pages are its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amigate.disk.blocks import Extent, IncompleteError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

PAGE = 4096


class Image:
    """The bytes of an image, and which of its pages hold any."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        starts = range(0, len(data), PAGE)
        self.pages = frozenset(at // PAGE for at in starts if data.count(0, at, at + PAGE) < len(data[at : at + PAGE]))


class Mutant:
    """`Blocks`: the image with what was put into it, or its first `size` bytes."""

    def __init__(self, image: Image, size: int | None = None) -> None:
        self.image = image
        self.size = len(image.data) if size is None else size
        self.pages: dict[int, bytearray] = {}

    def put(self, at: int, value: bytes) -> None:
        """Write bytes, as far as there is room."""
        for number, byte in enumerate(value[: max(self.size - at, 0)], at):
            page = number // PAGE
            if page not in self.pages:
                self.pages[page] = bytearray(self.image.data[page * PAGE : (page + 1) * PAGE])
            self.pages[page][number % PAGE] = byte

    def changed(self) -> list[int]:
        """Return the places of all bytes that are not as in the image."""
        return [
            page * PAGE + index
            for page, content in self.pages.items()
            for index, byte in enumerate(content)
            if byte != self.image.data[page * PAGE + index]
        ]

    def read(self, offset: int, length: int) -> bytes:
        if offset < 0 or length < 0 or offset + length > self.size:
            raise IncompleteError("beyond the end of the device")
        found: bytes | bytearray = self.image.data[offset : offset + length]
        for page, content in self.pages.items():
            first, end = max(page * PAGE, offset), min(page * PAGE + len(content), offset + length)
            if first < end:
                found = bytearray(found)
                found[first - offset : end - offset] = content[first - page * PAGE : end - page * PAGE]
        return bytes(found)

    def prefetch(self, extents: Iterable[Extent]) -> None:
        assert all(each.length >= 0 for each in extents)

    def written(self) -> Iterator[Extent]:
        for first, end in _runs(sorted(self.image.pages.union(self.pages))):
            if first * PAGE < self.size:
                yield Extent(first * PAGE, min(end * PAGE, self.size) - first * PAGE)


def _runs(pages: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Yield the first page of what lies together, and the one behind it."""
    begin = end = 0
    for page in pages:
        if page != end:
            if end:
                yield begin, end
            begin = page
        end = page + 1
    if end:
        yield begin, end
