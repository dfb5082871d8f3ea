"""Signals that end a run: each interrupts it once, and never its cleaning up."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupts:
    """Raises KeyboardInterrupt for the first signal; for every later one it only says `notice`."""

    def __init__(self, say: Callable[[str], None], notice: str) -> None:
        self._say, self._notice = say, notice
        self._spent = False
        self.came = False
        """Whether there was a signal at all."""

    def hold(self) -> None:
        """From here on no signal interrupts."""
        self._spent = True

    def on_signal(self, _number: int, _frame: object) -> None:
        """Handle a signal; a signal during this very call finds the same rules."""
        self.came = True
        if self._spent:
            with suppress(RuntimeError):  # the signal came in the middle of a print
                self._say(self._notice)
            return
        self._spent = True
        raise KeyboardInterrupt


@contextmanager
def interrupts(say: Callable[[str], None], notice: str) -> Iterator[Interrupts]:
    """Make SIGINT, SIGTERM and SIGHUP raise KeyboardInterrupt, once in all, while the block runs.

    A signal that is ignored stays ignored (nohup). Outside the main thread, nothing changes."""
    handler = Interrupts(say, notice)
    before = {}
    if threading.current_thread() is threading.main_thread():
        before = {number: signal.getsignal(number) for number in ENDING}
    ours = {number for number, old in before.items() if old not in {signal.SIG_IGN, None}}
    try:
        for number in ours:
            signal.signal(number, handler.on_signal)
        yield handler
    finally:
        for number in ours:
            signal.signal(number, before[number])
