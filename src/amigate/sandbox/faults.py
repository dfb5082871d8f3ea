"""The faults in force in one sandbox: the n-th call that matches fails, waits, or loses its connection."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Self

    from amigate.sandbox.fault import Asked, Fault


class Injected:
    """A fault that is in force until it is removed; a context manager that removes it."""

    def __init__(self, faults: Faults, fault: Fault) -> None:
        self.fault = fault
        self.seen = 0
        """How many calls matched."""
        self.fired = 0
        """How many calls it hit."""
        self._faults = faults

    def remove(self) -> None:
        """Let calls alone again; what it counted stays."""
        self._faults.remove(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()


class Faults:
    """The faults in force in one sandbox; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._injected: list[Injected] = []
        self.closing = threading.Event()
        """Set when the sandbox ends, so that no call waits any longer."""

    def add(self, fault: Fault) -> Injected:
        """Put a fault in force, after those that are there."""
        injected = Injected(self, fault)
        with self._lock:
            self._injected.append(injected)
        return injected

    def remove(self, injected: Injected) -> None:
        """Take a fault out; nothing happens if it is out already."""
        with self._lock:
            self._injected = [each for each in self._injected if each is not injected]

    def clear(self) -> None:
        """Take all out."""
        with self._lock:
            self._injected.clear()

    def strike(self, asked: Asked) -> list[Fault]:
        """Count a call with every fault that fits, and return those that hit it: delays, and one error or drop."""
        fitting = [each for each in self._snapshot() if each.fault.fits(asked)]
        struck: list[Fault] = []
        with self._lock:
            for each in fitting:
                each.seen += 1
                ends = each.fault.error or each.fault.drop
                taken = ends and any(fault.error or fault.drop for fault in struck)
                if each.fault.hits(each.seen) and not taken:
                    each.fired += 1
                    struck.append(each.fault)
        return struck

    def _snapshot(self) -> list[Injected]:
        with self._lock:
            return list(self._injected)
