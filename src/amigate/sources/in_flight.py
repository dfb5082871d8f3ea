"""A count of what is under way, for whoever must not leave before it has come down."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable


class InFlight:
    """A context that counts those who are inside, from any number of threads; `refuse` keeps newcomers out."""

    def __init__(self, refuse: Callable[[], None]) -> None:
        self._refuse = refuse
        self._changed = threading.Condition()
        self._count = 0

    def __enter__(self) -> Self:
        with self._changed:
            self._refuse()
            self._count += 1
        return self

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._count -= 1
            self._changed.notify_all()

    def wait(self, timeout_s: float) -> bool:
        """Wait until nobody is inside, or time is up; say whether nobody is."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._count, timeout_s)
