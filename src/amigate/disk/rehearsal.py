"""Finding out what work will read, so that it is fetched at the same time instead of one after the other.

Of a snapshot each block takes a while to come, and where the next one lies often stands in the one before. So lookups
that do not depend on each other are done in rehearsal first: each ends where it wants what was not asked for yet; what
all of them want is asked for at once; then those that came to no end begin again. What they return or raise is
forgotten. Whoever needs it does the same afterwards, without waiting, so a rehearsal changes no answer, and an error
in one is none of the work that does not need what could not be read."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from amigate.disk.blocks import Extent
from amigate.evidence.awaited import AwaitedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from amigate.disk.blocks import Blocks

_UNIT_LOG = 19
"""A snapshot is fetched in units of 512 KiB."""
MOST_UNITS = 256
"""That one rehearsal asks for: half of what is kept until it is read."""
_MOST_REMEMBERED = 65536
MOST_ROUNDS = 40
"""Of one rehearsal; paths are seldom as deep."""
MOST_S = 10.0
"""After which nothing more is rehearsed: what images can make last long is not to last twice as long."""


class Rehearsal:
    """Devices, and work on them that is rehearsed."""

    def __init__(self) -> None:
        self._devices: list[_Device] = []
        self._left_s = MOST_S

    def device(self, blocks: Blocks) -> Blocks:
        """Return a device as one of the rehearsal's: work that is rehearsed has to read it by this."""
        device = _Device(blocks)
        self._devices.append(device)
        return device

    def run(self, work: Iterable[Callable[[], object]]) -> None:
        """Rehearse work that reads devices of the rehearsal, and ask for what it reads; raises nothing of its errors.

        The work must be such that it can be done any number of times. Not all that it reads may be asked for: units,
        rounds and time have limits, whatever an image holds."""
        begin = monotonic()
        waiting = list(work)
        left = MOST_UNITS
        for _ in range(MOST_ROUNDS):
            waiting = list(self._awaiting(waiting, begin + self._left_s))
            left -= sum(device.fetch(left) for device in self._devices)
            if not waiting or left <= 0:
                break
        self._left_s -= monotonic() - begin

    def _awaiting(self, work: list[Callable[[], object]], until: float) -> Iterator[Callable[[], object]]:
        """Yield what has to wait; nothing once there is no time left."""
        for each in work:
            if monotonic() > until:
                return
            if self._has_to_wait(each):
                yield each

    def _has_to_wait(self, work: Callable[[], object]) -> bool:
        for device in self._devices:
            device.is_rehearsing = True
        try:
            work()
        except AwaitedError:
            return True
        except OSError:
            return False
        finally:
            for device in self._devices:
                device.is_rehearsing = False
        return False


class _Device:
    """`Blocks`; in a rehearsal it takes down what is wanted, and hands out what was asked for."""

    def __init__(self, blocks: Blocks) -> None:
        self.size = blocks.size
        self.is_rehearsing = False
        self._blocks = blocks
        self._asked: set[int] = set()
        """Units, whether they came or not: what did not is said by whoever reads it."""
        self._wanted: dict[int, list[Extent]] = {}

    def read(self, offset: int, length: int) -> bytes:
        """Return exactly `length` bytes; raises AwaitedError in a rehearsal where they were not asked for yet."""
        if self.is_rehearsing and 0 <= offset <= self.size - length and self._want(Extent(offset, length)):
            raise AwaitedError
        return self._blocks.read(offset, length)

    def prefetch(self, extents: Iterable[Extent]) -> None:
        """Take it down; outside of a rehearsal, pass it on."""
        if self.is_rehearsing:
            for extent in extents:
                self._want(extent)
            return
        wanted = list(extents)
        self._blocks.prefetch(wanted)
        self._remember(unit for extent in wanted for unit in self._units(extent))

    def written(self) -> Iterator[Extent]:
        """Yield what may hold anything but zeros."""
        return self._blocks.written()

    def fetch(self, most_units: int) -> int:
        """Ask for what is wanted, at most so many units of it; return of how many."""
        chosen = list(self._wanted)[: max(most_units, 0)]
        self._blocks.prefetch([extent for unit in chosen for extent in self._wanted[unit]])
        self._remember(chosen)
        self._wanted.clear()
        return len(chosen)

    def _want(self, extent: Extent) -> bool:
        """Take down what of an extent was not asked for yet; return whether there is any."""
        new = [unit for unit in self._units(extent) if unit not in self._asked]
        for unit in new:
            low, high = max(extent.offset, unit << _UNIT_LOG), min(extent.end, unit + 1 << _UNIT_LOG, self.size)
            self._wanted.setdefault(unit, []).append(Extent(low, high - low))
        return bool(new)

    def _units(self, extent: Extent) -> range:
        """Return the units of an extent, the first of them where there are many."""
        first, end = max(extent.offset, 0) >> _UNIT_LOG, -(-min(extent.end, self.size) >> _UNIT_LOG)
        return range(first, min(end, first + MOST_UNITS))

    def _remember(self, units: Iterable[int]) -> None:
        if len(self._asked) > _MOST_REMEMBERED:  # to ask again does no harm
            self._asked.clear()
        self._asked.update(units)
