"""What a walk over a file system will read, as far as the inodes that are in use tell it by themselves.

Level by level, a walk learns only from one what the next needs. The inodes lie in tables whose places are known, and
those of folders say where their entries are, so most of it can be asked for before. Nothing of it is believed, and it
is never asked for without bound: who makes inodes point everywhere makes us fetch no more than a search of all does."""

from __future__ import annotations

import stat
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, Generic, NamedTuple

from amigate.disk.blocks import Extent, IncompleteError
from amigate.disk.inode_tree.nodes import NodeT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from amigate.disk.inode_tree.nodes import Nodes

UNIT_LOG = 19
"""A device is fetched in units of 512 KiB, as EBS hands out a snapshot."""
MOST_UNITS = 256
"""Units that are asked for and not read: many beside the connections, few enough to be kept until they are."""
_MOST_ASKED = 8192
"""Units of folders that are asked for in all: 4 GiB."""

_TYPES = bytes(byte >> 4 for byte in range(256))
"""The type of a file by the upper byte of its mode."""
_FOLDER = stat.S_IFDIR >> 12


class InodeTable(NamedTuple):
    """Inodes that lie together, some of which may be in use."""

    numbers: range
    extent: Extent


class Ahead(Generic[NodeT]):
    """Asks for what a walk reads, some of it at a time."""

    def __init__(self, nodes: Nodes[NodeT]) -> None:
        """Ask for the tables of inodes."""
        self._blocks = nodes.blocks
        self._log = UNIT_LOG - nodes.block_log
        self._last = nodes.blocks.size - 1 >> UNIT_LOG
        tables = list(limited(nodes.tables(), MOST_UNITS))
        self._blocks.prefetch([table.extent for table in tables])
        self._places = (place for table in tables for place in nodes.folder_places(table.numbers))
        self._asked: set[int] = set()
        self._unread: set[int] = set()

    def go_on(self, read: Iterable[int] = ()) -> None:
        """Ask for blocks of folders, in place of units that were read."""
        unread, asked, log = self._unread, self._asked, self._log
        unread.difference_update(read)
        new: list[int] = []
        with suppress(IncompleteError):  # a table that cannot be read ends it
            while len(unread) < MOST_UNITS and len(asked) < _MOST_ASKED:
                place = next(self._places, None)
                if place is None:
                    break
                first, length = place
                last = min(first + length - 1 >> log, (first >> log) + MOST_UNITS, self._last)
                for unit in range(first >> log, last + 1):
                    if unit not in asked:
                        asked.add(unit)
                        unread.add(unit)
                        new.append(unit)
        self._blocks.prefetch([Extent(unit << UNIT_LOG, 1) for unit in new])


def limited(tables: Iterable[InodeTable], most_units: int) -> Iterator[InodeTable]:
    """Yield tables as long as they lie in no more units."""
    units: set[int] = set()
    for table in tables:
        units.update(islice(units_of(table.extent), most_units + 1))
        if len(units) > most_units:
            return
        yield table


def folders_at(modes: bytes) -> Iterator[int]:
    """Yield which of some inodes are folders, by the upper bytes of their modes."""
    types = modes.translate(_TYPES)
    at = types.find(_FOLDER)
    while at >= 0:
        yield at
        at = types.find(_FOLDER, at + 1)


def units_of(extent: Extent) -> range:
    """Return the numbers of the units that an extent lies in."""
    return range(extent.offset >> UNIT_LOG, (extent.end - 1 >> UNIT_LOG) + 1)
