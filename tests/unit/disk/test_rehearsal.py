"""Work is rehearsed so that what it reads comes at the same time; that changes no answer, and has its bounds."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from amigate.disk import rehearsal as module
from amigate.disk.blocks import Extent, IncompleteError
from amigate.disk.rehearsal import Rehearsal
from amigate.evidence.awaited import AwaitedError, each

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from amigate.disk.blocks import Blocks

UNIT = 1 << 19


class Far:
    """A device whose bytes are numbers of units; what is asked for is noted by the round, and some units fail."""

    def __init__(self, units: int = 1000, *, damaged: Iterable[int] = ()) -> None:
        self.size = units * UNIT
        self.rounds: list[list[int]] = []
        self.reads: list[int] = []
        self.damaged = frozenset(damaged)

    def read(self, offset: int, length: int) -> bytes:
        self.reads.append(offset // UNIT)
        if offset // UNIT in self.damaged:
            raise IncompleteError(f"unit {offset // UNIT} cannot be had")
        return (offset // UNIT).to_bytes(4, "little")[:length]

    def prefetch(self, extents: Iterable[Extent]) -> None:
        wanted = sorted({extent.offset // UNIT for extent in extents})
        if wanted:
            self.rounds.append(wanted)

    def written(self) -> Iterator[Extent]:
        yield Extent(0, self.size)


def follow(device: Blocks, *units: int) -> int:
    """Read one unit after the other."""
    return [int.from_bytes(device.read(unit * UNIT, 4), "little") for unit in units][-1]


def test_what_independent_work_reads_is_asked_for_at_the_same_time() -> None:
    far = Far()
    rehearsal = Rehearsal()
    device = rehearsal.device(far)
    rehearsal.run([lambda: follow(device, 1, 2, 3), lambda: follow(device, 11, 12), lambda: follow(device, 1, 22)])
    assert far.rounds == [[1, 11], [2, 12, 22], [3]]
    far.rounds.clear()
    assert follow(device, 1, 2, 3) == 3
    assert far.rounds == [], "what is not rehearsed asks for nothing by itself"


def test_several_devices_are_asked_at_the_same_time() -> None:
    one, other = Far(), Far()
    rehearsal = Rehearsal()
    a, b = rehearsal.device(one), rehearsal.device(other)
    rehearsal.run([lambda: follow(a, 5) + follow(b, 6), lambda: follow(b, 7)])
    assert (one.rounds, other.rounds) == ([[5]], [[7], [6]])


def test_a_hint_within_a_rehearsal_is_taken_down_and_one_outside_passed_on() -> None:
    far = Far()
    rehearsal = Rehearsal()
    device = rehearsal.device(far)
    device.prefetch([Extent(3 * UNIT, 5)])

    def work() -> None:
        device.prefetch([Extent(3 * UNIT, 5), Extent(4 * UNIT - 1, UNIT + 2)])
        follow(device, 9)

    rehearsal.run([work])
    assert far.rounds == [[3], [4, 5, 9]], "what was asked for before is not asked for again"


def test_an_error_of_work_that_is_rehearsed_is_not_raised_and_holds_up_nothing_else() -> None:
    far = Far(damaged=[2])
    rehearsal = Rehearsal()
    device = rehearsal.device(far)
    rehearsal.run([lambda: follow(device, 1, 2, 3), lambda: follow(device, 11, 12)])
    assert far.rounds == [[1, 11], [2, 12]]
    assert follow(device, 11, 12) == 12
    with pytest.raises(IncompleteError, match="unit 2"):
        follow(device, 1, 2, 3)


def test_a_mistake_in_work_is_no_error_of_reading_and_is_raised() -> None:
    rehearsal = Rehearsal()
    device = rehearsal.device(Far())
    with pytest.raises(ZeroDivisionError):
        rehearsal.run([lambda: 1 // 0])
    assert follow(device, 4) == 4, "no rehearsal goes on"


def test_what_lies_beyond_a_device_is_read_to_be_refused() -> None:
    far = Far(damaged=[2000])
    rehearsal = Rehearsal()
    device = rehearsal.device(far)
    rehearsal.run([lambda: follow(device, 2000)])
    assert far.rounds == []


def test_no_more_units_are_asked_for_than_are_kept() -> None:
    far = Far()
    rehearsal = Rehearsal()
    device = rehearsal.device(far)
    rehearsal.run([partial(follow, device, unit) for unit in range(900)])
    assert sum(map(len, far.rounds)) == module.MOST_UNITS
    far.rounds.clear()
    device = (rehearsal := Rehearsal()).device(far)
    rehearsal.run([lambda: device.prefetch([Extent(0, far.size)])])
    assert sum(map(len, far.rounds)) == module.MOST_UNITS


def test_a_chain_without_end_is_not_followed_to_its_end() -> None:
    far = Far()
    rehearsal = Rehearsal()
    device = rehearsal.device(far)
    rehearsal.run([lambda: follow(device, *range(900))])
    assert len(far.rounds) == module.MOST_ROUNDS


def test_there_is_an_end_to_the_time_that_is_spent(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(0, 10_000, 4))
    monkeypatch.setattr(module, "monotonic", lambda: float(next(clock)))
    far = Far()
    rehearsal = Rehearsal()
    device = rehearsal.device(far)
    work = [partial(follow, device, unit) for unit in range(50)]
    rehearsal.run(work)
    asked = len(far.rounds[0])
    assert 0 < asked < len(work)
    rehearsal.run(work)
    assert sum(map(len, far.rounds)) == asked, "the time is that of all rehearsals together"


def test_each_lets_all_items_say_what_they_wait_for() -> None:
    seen: list[int] = []

    def do(item: int) -> int:
        seen.append(item)
        if item % 2:
            raise AwaitedError
        return item

    found: list[int] = []
    with pytest.raises(AwaitedError):
        found.extend(each([2, 3, 4, 5], do))
    assert seen == [2, 3, 4, 5]
    assert list(each([2, 4], do)) == [2, 4]


def test_each_ends_where_an_item_fails() -> None:
    with pytest.raises(IncompleteError):
        list(each([1, 2], lambda _: follow(Far(damaged=[0]), 0)))
