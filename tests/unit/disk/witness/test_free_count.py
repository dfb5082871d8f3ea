"""Free space is counted in the pieces in which bytes come, as if they came at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amigate.disk.blocks import Extent, IncompleteError
from amigate.disk.volumes.volume import State, Volume
from amigate.disk.witness import free_count
from amigate.disk.witness.free_count import FreeCount, Swap

from ..root.conftest import Fake  # noqa: TID252 - tests are no package

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

BLOCK = 16
PAGE = 4096


class FreeFake(Fake):
    """A file system with this much free space, in blocks of 16 bytes; a None in it is damage."""

    def __init__(self, free: Sequence[Extent | None]) -> None:
        super().__init__({}, block_bytes=BLOCK)
        self.free = free

    def free_extents(self) -> Iterator[Extent]:
        for each in self.free:
            if each is None:
                raise IncompleteError("the map is damaged")
            yield each


def counted(free: Sequence[Extent | None], pieces: Sequence[tuple[int, bytes]], unseen: str = "") -> FreeCount:
    count = FreeCount(FreeFake(free))
    for offset, data in pieces:
        count.feed(offset, data)
    count.finish(unseen)
    return count


def test_a_block_is_unclean_as_a_whole_and_what_is_in_use_does_not_count() -> None:
    free = [Extent(0, 2 * BLOCK), Extent(4 * BLOCK, BLOCK)]
    count = counted(free, [(0, bytes(BLOCK) + b"\1" + bytes(BLOCK - 1) + b"in use" * 9)])
    assert (count.free_bytes, count.unclean_bytes, count.wrong) == (3 * BLOCK, 2 * BLOCK, "")


def test_what_was_never_written_is_clean() -> None:
    count = counted([Extent(0, 9 * BLOCK), Extent(1 << 50, BLOCK)], [(2 * BLOCK, bytes(BLOCK))])
    assert (count.free_bytes, count.unclean_bytes) == (10 * BLOCK, 0)


def test_a_block_that_comes_in_parts_counts_once() -> None:
    parts = [(0, b"x" * 5), (5, b"x" * 5), (10, b"x" * 7), (20, b"x")]
    assert counted([Extent(0, 3 * BLOCK)], parts).unclean_bytes == 2 * BLOCK
    assert counted([Extent(0, 3 * BLOCK)], [(0, bytes(9)), (9, b"x")]).unclean_bytes == BLOCK


def test_blocks_begin_where_the_free_run_does() -> None:
    count = counted([Extent(10, 2 * BLOCK)], [(0, b"x" * 11 + bytes(BLOCK - 1)), (10 + BLOCK, b"\0\0x")])
    assert (count.free_bytes, count.unclean_bytes) == (2 * BLOCK, 2 * BLOCK)
    assert counted([Extent(10, 2 * BLOCK)], [(0, b"x" * 10 + bytes(2 * BLOCK) + b"x")]).unclean_bytes == 0


def test_nothing_is_told_where_the_map_or_the_bytes_were_not_all_read() -> None:
    assert counted([Extent(0, BLOCK), None], [(0, b"x")]).wrong == "the map is damaged"
    assert counted([None], []).wrong == "the map is damaged"
    assert counted([Extent(0, BLOCK)], [(0, b"x")], unseen="a block is missing").wrong == "a block is missing"


def test_free_space_in_too_many_pieces_is_not_counted_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(free_count, "MOST_RUNS", 2)
    runs = [Extent(number * 2 * BLOCK, BLOCK) for number in range(3)]
    assert counted(runs[:2], []).wrong == ""
    assert counted(runs, []).wrong == "its free space is in more than 2 pieces"


@st.composite
def layouts(draw: st.DrawFn) -> tuple[list[Extent], list[tuple[int, bytes]]]:
    """Return free runs of whole blocks, and pieces of a device, both in order."""
    free, at = [], draw(st.integers(0, 20))
    for gap, blocks in draw(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 5)), max_size=6)):
        free.append(Extent(at + gap * BLOCK, blocks * BLOCK))
        at = free[-1].end
    pieces, at = [], 0
    for gap, data in draw(st.lists(st.tuples(st.integers(0, 40), st.lists(st.sampled_from((0, 0, 0, 1)))), max_size=9)):
        pieces.append((at + gap, bytes(data)))
        at += gap + len(data)
    return free, pieces


@given(layouts())
def test_the_count_is_that_of_one_block_after_the_other(layout: tuple[list[Extent], list[tuple[int, bytes]]]) -> None:
    free, pieces = layout
    device = bytearray(max([0, *(run.end for run in free), *(offset + len(data) for offset, data in pieces)]))
    for offset, data in pieces:
        device[offset : offset + len(data)] = data
    blocks = [at for run in free for at in range(run.offset, run.end, BLOCK)]
    count = counted(free, pieces)
    assert count.free_bytes == len(blocks) * BLOCK
    assert count.unclean_bytes == sum(any(device[at : at + BLOCK]) for at in blocks) * BLOCK


@pytest.mark.parametrize("written,unclean", [(b"", 0), (b"x", PAGE), (b"x" * (PAGE + 1), 2 * PAGE)])
def test_all_of_swap_is_free_but_its_header(memory: Any, written: bytes, unclean: int) -> None:
    device = memory((bytes(PAGE - 10) + b"SWAPSPACE2" + bytes(PAGE) + written).ljust(8 * PAGE, b"\0"))
    count = FreeCount(Swap(Volume(name="vda2", kind="swap", state=State.EXEMPT, blocks=device)))
    for extent in device.written():
        count.feed(extent.offset, device.read(extent.offset, extent.length))
    count.finish()
    assert (count.free_bytes, count.unclean_bytes, count.wrong) == (7 * PAGE, unclean, "")


def test_swap_of_other_machines_has_a_longer_header(memory: Any) -> None:
    device = memory((bytes(4 * PAGE - 10) + b"SWAPSPACE2").ljust(8 * PAGE, b"\0"))
    count = FreeCount(Swap(Volume(name="vda2", kind="swap", state=State.EXEMPT, blocks=device)))
    count.finish()
    assert count.free_bytes == 4 * PAGE
