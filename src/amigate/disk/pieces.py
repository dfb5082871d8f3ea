"""Devices that consist of stretches of others: a partition, a logical volume, stripes over several disks."""

from __future__ import annotations

import bisect
from dataclasses import dataclass
from typing import TYPE_CHECKING

from amigate.disk.blocks import Extent, IncompleteError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from amigate.disk.blocks import Blocks


@dataclass(frozen=True)
class Piece:
    """A stretch of another device."""

    blocks: Blocks
    offset: int
    length: int


class Pieces:
    """A device of stretches of others, one after the other."""

    def __init__(self, pieces: Sequence[Piece]) -> None:
        """Put pieces together; raises IncompleteError for one that is not all there."""
        for piece in pieces:
            if piece.offset < 0 or piece.length <= 0 or piece.offset + piece.length > piece.blocks.size:
                raise IncompleteError(f"{piece.length} bytes at {piece.offset} are beyond the end of the device")
        self.pieces = pieces
        self._starts = [0]
        for piece in pieces:
            self._starts.append(self._starts[-1] + piece.length)
        self.size = self._starts.pop()

    def read(self, offset: int, length: int) -> bytes:
        """Return exactly `length` bytes."""
        require(self, offset, length)
        return b"".join(
            piece.blocks.read(extent.offset, extent.length) for piece, extent in self._cut(Extent(offset, length))
        )

    def prefetch(self, extents: Iterable[Extent]) -> None:
        """Pass it on to the devices that it consists of."""
        wanted: dict[int, tuple[Blocks, list[Extent]]] = {}
        for extent in extents:
            for piece, found in self._cut(extent):
                wanted.setdefault(id(piece.blocks), (piece.blocks, []))[1].append(found)
        for blocks, found_there in wanted.values():
            blocks.prefetch(found_there)

    def written(self) -> Iterator[Extent]:
        """Yield what is written of each piece."""
        known: dict[int, list[Extent]] = {}
        for start, piece in zip(self._starts, self.pieces, strict=True):
            if id(piece.blocks) not in known:
                known[id(piece.blocks)] = list(piece.blocks.written())
            for extent in within(known[id(piece.blocks)], Extent(piece.offset, piece.length)):
                yield Extent(extent.offset - piece.offset + start, extent.length)

    def place(self, offset: int) -> tuple[Blocks, int]:
        """Return the device that holds a byte of this one, and where on it."""
        index = bisect.bisect_right(self._starts, offset) - 1
        piece = self.pieces[index]
        return piece.blocks, piece.offset + offset - self._starts[index]

    def _cut(self, extent: Extent) -> Iterator[tuple[Piece, Extent]]:
        """Yield the pieces that a stretch of this device lies on, and where in the device that they are of."""
        index = bisect.bisect_right(self._starts, max(extent.offset, 0)) - 1
        while 0 <= index < len(self.pieces) and self._starts[index] < extent.end:
            piece, start = self.pieces[index], self._starts[index]
            low, high = max(extent.offset, start), min(extent.end, start + piece.length)
            if low < high:
                yield piece, Extent(piece.offset + low - start, high - low)
            index += 1


class Stripes:
    """A device whose chunks lie on others in turn: chunk 0 on the first, chunk 1 on the second, and so on."""

    def __init__(self, columns: Sequence[Blocks], chunk_bytes: int) -> None:
        """Weave devices of one size, which is a multiple of the chunk; raises IncompleteError for others."""
        if chunk_bytes <= 0 or len({column.size for column in columns}) != 1 or columns[0].size % chunk_bytes:
            raise IncompleteError("the stripes do not fit each other")
        self._columns = columns
        self._chunk = chunk_bytes
        self.size = sum(column.size for column in columns)

    def read(self, offset: int, length: int) -> bytes:
        """Return exactly `length` bytes."""
        require(self, offset, length)
        return b"".join(
            self._columns[column].read(found.offset, found.length)
            for column, found in self._cut(Extent(offset, length))
        )

    def prefetch(self, extents: Iterable[Extent]) -> None:
        """Pass it on to the columns."""
        wanted: list[list[Extent]] = [[] for _ in self._columns]
        for extent in extents:
            for column, found in self._cut(extent):
                wanted[column].append(found)
        for column, found_there in enumerate(wanted):
            self._columns[column].prefetch(found_there)

    def written(self) -> Iterator[Extent]:
        """Yield the rows of chunks in which any column is written."""
        row_bytes = self._chunk * len(self._columns)
        rows = sorted(
            (extent.offset // self._chunk, -(-extent.end // self._chunk))
            for column in self._columns
            for extent in column.written()
        )
        done = 0
        for first, last in rows:
            if last > done:
                begin = max(first, done)
                yield Extent(begin * row_bytes, (last - begin) * row_bytes)
                done = last

    def _cut(self, extent: Extent) -> Iterator[tuple[int, Extent]]:
        offset, end = max(extent.offset, 0), min(extent.end, self.size)
        while offset < end:
            chunk, inside = divmod(offset, self._chunk)
            row, column = divmod(chunk, len(self._columns))
            length = min(self._chunk - inside, end - offset)
            yield column, Extent(row * self._chunk + inside, length)
            offset += length


def part(blocks: Blocks, offset: int, length: int) -> Pieces:
    """Return a stretch of a device as one; raises IncompleteError where it is not all there."""
    return Pieces([Piece(blocks, offset, length)])


def require(blocks: Blocks, offset: int, length: int) -> None:
    """Raise IncompleteError unless the device has these bytes."""
    if offset < 0 or length < 0 or offset + length > blocks.size:
        raise IncompleteError(f"{length} bytes at {offset} are beyond the end of the device")


def within(extents: Sequence[Extent], limits: Extent) -> Iterator[Extent]:
    """Yield what of ascending extents lies within limits."""
    index = max(bisect.bisect_right(extents, limits) - 1, 0)
    while index < len(extents) and extents[index].offset < limits.end:
        extent = extents[index]
        index += 1
        low, high = max(extent.offset, limits.offset), min(extent.end, limits.end)
        if low < high:
            yield Extent(low, high - low)


def between(extents: Iterable[Extent], limits: Extent) -> Iterator[Extent]:
    """Yield what of the limits none of the extents covers, in any order and overlapping as they may be."""
    done = limits.offset
    for extent in sorted(extents):
        if done < min(extent.offset, limits.end):
            yield Extent(done, min(extent.offset, limits.end) - done)
        done = max(done, extent.end)
    if done < limits.end:
        yield Extent(done, limits.end - done)


def on_device(blocks: Blocks, offset: int) -> tuple[Blocks, int]:
    """Return where a byte lies: on which device, and where on it; stripes count as a device of their own."""
    while isinstance(blocks, Pieces):
        blocks, offset = blocks.place(offset)
    return blocks, offset
