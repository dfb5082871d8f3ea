"""Devices made of stretches of others read as if somebody had copied them together."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amigate.disk.blocks import Extent, IncompleteError
from amigate.disk.pieces import Piece, Pieces, Stripes, between, part, within
from amigate.disk.stream import CHUNK_BYTES, is_zero, stream

if TYPE_CHECKING:
    from tests.unit.disk.conftest import Memory

    from amigate.disk.blocks import Blocks

PAGE = 4096
extents = st.lists(st.builds(Extent, st.integers(0, 40), st.integers(1, 9)), max_size=8)


def noise(memory: type[Memory], pages: int, number: int) -> Memory:
    """Return a device of which every other page is empty."""
    seed = random.Random(number)  # noqa: S311 - content of a disk
    return memory(b"".join(seed.randbytes(PAGE) if page % 2 else bytes(PAGE) for page in range(pages)))


def check(device: Blocks, wanted: bytes) -> None:
    assert device.size == len(wanted)
    for offset, length in [(0, device.size), (PAGE - 5, 10), (3, PAGE * 3), (device.size - 1, 1), (5, 0)]:
        assert device.read(offset, length) == wanted[offset : offset + length]
    rest = bytearray(wanted)
    for extent in device.written():
        rest[extent.offset : extent.end] = bytes(extent.length)
    assert rest == bytes(len(wanted))
    for offset, length in [(-1, 1), (device.size, 1), (0, -1)]:
        with pytest.raises(IncompleteError):
            device.read(offset, length)


def test_pieces_of_several_devices(memory: type[Memory]) -> None:
    first, second = noise(memory, 10, 1), noise(memory, 8, 2)
    pieces = [Piece(second, PAGE, 3 * PAGE), Piece(first, 512, 1024), Piece(second, 6 * PAGE, 2 * PAGE)]
    wanted = second.data[PAGE : 4 * PAGE] + first.data[512:1536] + second.data[6 * PAGE :]
    check(Pieces(pieces), wanted)
    check(part(Pieces(pieces), 100, 4 * PAGE), wanted[100 : 100 + 4 * PAGE])


def test_what_is_fetched_ahead_is_asked_of_the_devices(memory: type[Memory]) -> None:
    first, second = noise(memory, 4, 1), noise(memory, 4, 2)
    Pieces([Piece(first, PAGE, PAGE), Piece(second, 0, PAGE)]).prefetch([Extent(10, PAGE), Extent(5 * PAGE, 1)])
    assert first.wanted == [Extent(PAGE + 10, PAGE - 10)]
    assert second.wanted == [Extent(0, 10)]
    Stripes([first, second], 512).prefetch([Extent(500, 24), Extent(-10, 5)])
    assert (first.wanted[1:], second.wanted[1:]) == ([Extent(500, 12)], [Extent(0, 12)])


@pytest.mark.parametrize("offset,length", [(-1, 5), (0, 0), (0, PAGE * 2 + 1), (PAGE * 2, 1)])
def test_a_piece_that_is_not_there_is_incomplete(memory: type[Memory], offset: int, length: int) -> None:
    with pytest.raises(IncompleteError):
        part(noise(memory, 2, 1), offset, length)


@pytest.mark.parametrize("chunk", [512, PAGE, 3 * PAGE])
def test_stripes(memory: type[Memory], chunk: int) -> None:
    columns = [noise(memory, 6, number) for number in range(3)]
    rows = range(0, 6 * PAGE, chunk)
    wanted = b"".join(column.data[row : row + chunk] for row in rows for column in columns)
    check(Stripes(columns, chunk), wanted)


@pytest.mark.parametrize("pages,chunk", [((2, 3), 512), ((2, 2), 0), ((2, 2), 3 * 512)])
def test_stripes_that_do_not_fit_are_incomplete(memory: type[Memory], pages: tuple[int, ...], chunk: int) -> None:
    with pytest.raises(IncompleteError):
        Stripes([noise(memory, each, 1) for each in pages], chunk)


@given(extents, st.builds(Extent, st.integers(0, 40), st.integers(1, 20)))
def test_what_lies_between_is_what_none_covers(taken: list[Extent], limits: Extent) -> None:
    covered = {at for extent in taken for at in range(extent.offset, extent.end)}
    found = [at for extent in between(taken, limits) for at in range(extent.offset, extent.end)]
    assert found == [at for at in range(limits.offset, limits.end) if at not in covered]


@given(st.lists(st.integers(1, 5), max_size=16), st.builds(Extent, st.integers(0, 40), st.integers(1, 20)))
def test_what_lies_within_is_what_some_cover(lengths: list[int], limits: Extent) -> None:
    ascending, at = [], 0
    for index, length in enumerate(lengths):
        if index % 2:
            ascending.append(Extent(at, length))
        at += length
    covered = {at for extent in ascending for at in range(extent.offset, extent.end)}
    found = [at for extent in within(ascending, limits) for at in range(extent.offset, extent.end)]
    assert found == [at for at in range(limits.offset, limits.end) if at in covered]


def test_a_stream_comes_in_chunks_that_were_fetched_ahead(memory: type[Memory]) -> None:
    device = memory(bytes(range(256)) * (5 * CHUNK_BYTES // 256))
    wanted = [Extent(10, 20), Extent(CHUNK_BYTES - 5, 2 * CHUNK_BYTES)]
    ahead = []
    found = []
    for offset, data in stream(device, wanted, ahead=2):
        ahead.append(sum(extent.length for extent in device.wanted) - sum(extent.length for extent in device.reads))
        found.append((offset, len(data)))
        assert data == device.data[offset : offset + len(data)]
    assert found == [(10, 20), (CHUNK_BYTES - 5, 5), (CHUNK_BYTES, CHUNK_BYTES), (2 * CHUNK_BYTES, CHUNK_BYTES - 5)]
    assert device.wanted == device.reads
    assert 0 < max(ahead) <= 2 * CHUNK_BYTES


def test_zeros_that_were_written_are_zeros(memory: type[Memory]) -> None:
    assert is_zero(memory(bytes(3 * CHUNK_BYTES)))
    assert not is_zero(memory(bytes(3 * CHUNK_BYTES) + b"\1"))
