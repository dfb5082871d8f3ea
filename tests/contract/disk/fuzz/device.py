"""A device in memory that shares an image with others, and some of whose pages are its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amigate.disk.blocks import Extent, IncompleteError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

PAGE = 4096


class Mutant:
    """`Blocks`: the image with what was put into it, or its first `size` bytes."""

    def __init__(self, image: bytes, size: int | None = None) -> None:
        self.image = image
        self.size = len(image) if size is None else size
        self.pages: dict[int, bytearray] = {}

    def put(self, at: int, value: bytes) -> None:
        """Write bytes, as far as there is room."""
        for number, byte in enumerate(value[: max(self.size - at, 0)], at):
            page = number // PAGE
            if page not in self.pages:
                self.pages[page] = bytearray(self.image[page * PAGE : (page + 1) * PAGE])
            self.pages[page][number % PAGE] = byte

    def changed(self) -> list[int]:
        """Return the places of all bytes that are not as in the image."""
        return [
            page * PAGE + index
            for page, content in self.pages.items()
            for index, byte in enumerate(content)
            if byte != self.image[page * PAGE + index]
        ]

    def read(self, offset: int, length: int) -> bytes:
        if offset < 0 or length < 0 or offset + length > self.size:
            raise IncompleteError("beyond the end of the device")
        found: bytes | bytearray = self.image[offset : offset + length]
        for page, content in self.pages.items():
            first, end = max(page * PAGE, offset), min(page * PAGE + len(content), offset + length)
            if first < end:
                found = bytearray(found)
                found[first - offset : end - offset] = content[first - page * PAGE : end - page * PAGE]
        return bytes(found)

    def prefetch(self, extents: Iterable[Extent]) -> None:
        assert all(each.length >= 0 for each in extents)

    def written(self) -> Iterator[Extent]:
        for page in range(-(-self.size // PAGE)):
            if page in self.pages or self.image.count(0, page * PAGE, (page + 1) * PAGE) < PAGE:
                yield Extent(page * PAGE, min(PAGE, self.size - page * PAGE))
