"""A device in a child is the device, read in fewer and larger pieces."""

from __future__ import annotations

import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amigate.disk.blocks import Extent, IncompleteError, UnsupportedError
from amigate.disk.child import wire
from amigate.disk.child.connection import CHUNK
from amigate.disk.child.limits import Limits

from .conftest import Device, served

UNIT = 8 * CHUNK
DATA = random.Random(5).randbytes(3 * UNIT + 12_345)  # noqa: S311 - the same each time
REACH = len(DATA) + CHUNK


@settings(max_examples=80, deadline=None)
@given(
    steps=st.lists(
        st.tuples(st.booleans(), st.integers(-CHUNK, REACH), st.one_of(st.integers(0, 99), st.integers(-1, REACH))),
        max_size=12,
    ),
    chunks=st.integers(0, 60),
)
def test_every_read_is_the_device_s(steps: list[tuple[bool, int, int]], chunks: int) -> None:
    device = Device(DATA)
    with served(device, limits=Limits(cache_bytes=chunks * CHUNK)) as [blocks]:
        for is_read, offset, length in steps:
            if not is_read:
                blocks.prefetch([Extent(offset, length)])
            elif offset < 0 or length < 0 or offset + length > len(DATA):
                with pytest.raises(IncompleteError, match="beyond the end of the device"):
                    blocks.read(offset, length)
            else:
                assert blocks.read(offset, length) == DATA[offset : offset + length]


def test_small_reads_beside_each_other_are_one() -> None:
    device = Device(DATA)
    with served(device) as [blocks]:
        assert b"".join(blocks.read(at, 512) for at in range(0, CHUNK, 512)) == DATA[:CHUNK]
    assert device.reads == [Extent(0, CHUNK)]


def test_what_was_asked_for_ahead_comes_with_the_first_of_it_but_not_over_a_unit() -> None:
    device = Device(DATA)
    with served(device) as [blocks]:
        blocks.prefetch([Extent(2 * CHUNK, CHUNK), Extent(3 * CHUNK, UNIT)])
        for at in range(2 * CHUNK, UNIT + 3 * CHUNK, 1000):
            blocks.read(at, 1000)
    assert device.wanted == [Extent(2 * CHUNK, CHUNK), Extent(3 * CHUNK, UNIT)]
    assert device.reads == [Extent(2 * CHUNK, 6 * CHUNK), Extent(UNIT, 3 * CHUNK), Extent(UNIT + 3 * CHUNK, CHUNK)]


def test_reads_of_much_are_made_as_they_are_and_not_kept() -> None:
    data = bytes(wire.MOST_READ + UNIT)
    device = Device(data)
    with served(device) as [blocks]:
        for _ in range(2):
            assert blocks.read(0, len(data)) == data
    assert device.reads == [Extent(0, wire.MOST_READ), Extent(wire.MOST_READ, UNIT)] * 2


def test_what_was_used_last_is_kept_longest_over_all_devices() -> None:
    first, second = Device(DATA), Device(DATA)
    with served(first, second, limits=Limits(cache_bytes=8 * CHUNK)) as [one, other]:
        one.read(0, 1)
        for index in range(7):
            other.read(index * CHUNK, 1)
        one.read(0, 1)
        other.read(7 * CHUNK, 1)
        other.read(0, 1)
        one.read(0, 1)
    assert first.reads == [Extent(0, CHUNK)]
    assert second.reads == [Extent(index * CHUNK, CHUNK) for index in (*range(8), 0)]


def test_damage_beside_what_is_wanted_is_not_taken_for_damage_of_it() -> None:
    device = Device(DATA, bad=frozenset({5000}))
    with served(device) as [blocks]:
        assert blocks.read(0, 5000) == DATA[:5000]
        with pytest.raises(IncompleteError, match=r"^a bad byte is in 2 at 4999$"):
            blocks.read(4999, 2)


class Strange(Device):
    """A device of a format that is not read."""

    def read(self, offset: int, length: int) -> bytes:
        raise UnsupportedError("a cluster of another kind")


def test_what_is_kept_is_not_asked_for_again() -> None:
    """Who has read it will not read it from the parent, which would keep it for nothing."""
    device = Device(DATA)
    with served(device) as [blocks]:
        blocks.read(CHUNK, 10)
        blocks.prefetch([Extent(CHUNK + 5, 100), Extent(CHUNK + 5, CHUNK), Extent(0, UNIT)])
        blocks.read(0, 1)
    assert device.wanted == [Extent(CHUNK + 5, CHUNK), Extent(0, UNIT)]


def halves(count: int) -> list[Extent]:
    return [Extent(at * UNIT // 2, UNIT // 2) for at in range(count)]


def test_what_is_read_in_order_comes_before_it_is_read() -> None:
    device = Device(DATA)
    with served(device) as [blocks]:
        blocks.prefetch(halves(3))
        assert blocks.read(0, UNIT // 2) == DATA[: UNIT // 2]
        until = time.monotonic() + 10
        while len(device.reads) < 2:
            assert time.monotonic() < until
        assert blocks.read(7, 5) == DATA[7:12], "other reads are answered in between"
        assert (
            b"".join(blocks.read(each.offset, each.length) for each in halves(3)[1:]) == DATA[UNIT // 2 : 3 * UNIT // 2]
        )
    assert [each for each in device.reads if each.length == UNIT // 2] == halves(3), "each was read once"


def test_a_long_message_does_not_wait_for_what_is_coming() -> None:
    device = Device(DATA)
    with served(device) as [blocks]:
        blocks.prefetch(halves(2))
        blocks.read(0, UNIT // 2)
        blocks.prefetch([Extent(0, 1)] * wire.PAGE)
        assert blocks.read(UNIT // 2, UNIT // 2) == DATA[UNIT // 2 : UNIT]


def test_damage_of_what_comes_next_is_told_when_it_is_read_and_not_before() -> None:
    device = Device(DATA, bad=frozenset({UNIT // 2 + 5}))
    with served(device) as [blocks]:
        blocks.prefetch(halves(3))
        assert blocks.read(0, UNIT // 2) == DATA[: UNIT // 2]
        assert blocks.read(UNIT, UNIT // 2) == DATA[UNIT : 3 * UNIT // 2]
        with pytest.raises(IncompleteError, match="bad byte"):
            blocks.read(UNIT // 2, UNIT // 2)
    assert device.reads == [halves(3)[0], halves(3)[1], halves(3)[2]], "it was tried once"


def test_an_error_of_the_device_keeps_its_class() -> None:
    with served(Strange(DATA)) as [blocks], pytest.raises(UnsupportedError, match=r"^a cluster of another kind$"):
        blocks.read(0, 1)


def test_a_long_list_of_what_is_written_comes_in_pages_and_is_made_once() -> None:
    extents = [Extent(at * 10, 5) for at in range(2 * wire.PAGE + 7)]
    device = Device(bytes(extents[-1].end), extents=extents)
    with served(device) as [blocks]:
        assert list(blocks.written()) == extents
        assert device.listings == 1
        assert next(blocks.written()) == extents[0]
        assert list(blocks.written()) == extents


@pytest.mark.parametrize("pages", [0, 1, 2])
def test_a_list_that_ends_with_its_page_is_whole(pages: int) -> None:
    extents = [Extent(at * 10, 5) for at in range(pages * wire.PAGE)]
    with served(Device(bytes(400_000), extents=extents)) as [blocks]:
        assert list(blocks.written()) == extents


def test_two_who_list_at_the_same_time_both_see_all() -> None:
    extents = [Extent(at * 10, 5) for at in range(wire.PAGE + 7)]
    with served(Device(bytes(extents[-1].end), extents=extents)) as [blocks]:
        pairs = list(zip(blocks.written(), blocks.written(), strict=True))
    assert pairs == [(each, each) for each in extents]


def test_endless_prefetch_of_everything_is_bounded() -> None:
    device = Device(DATA)
    with served(device) as [blocks]:
        blocks.prefetch(Extent(-5, 2**80) for _ in range(wire.PAGE + 1))
        assert blocks.read(0, 10) == DATA[:10]
    assert device.wanted == [Extent(0, len(DATA))] * (wire.PAGE + 1)
