"""What is not here yet: how work is told, when it is only rehearsed, that what it wants is still to be fetched."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

Item = TypeVar("Item")
Result = TypeVar("Result")


class AwaitedError(Exception):
    """What is wanted is not here yet. No OSError: nothing may take it for something that cannot be told.

    Raised in a rehearsal alone (`amigate.disk.rehearsal`)."""


def each(items: Iterable[Item], do: Callable[[Item], Result]) -> Iterator[Result]:
    """Yield what `do` returns for each item; where one has to wait, the others say first what they will wait for.

    So they wait at the same time, as they do not depend on each other. An error of one ends it as it ends a loop."""
    awaited: AwaitedError | None = None
    for item in items:
        try:
            result = do(item)
        except AwaitedError as error:
            awaited = error
        else:
            if awaited is None:
                yield result
    if awaited is not None:
        raise awaited
