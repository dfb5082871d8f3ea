"""Whether a guest's network answers, which is what EC2's instance status check looks at.

EC2 asks by ARP. Here a guest answers when it has asked for its metadata, or when a connection to its SSH port is taken
or refused by the guest itself: QEMU accepts it at once either way, and then passes on what the guest says.
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/monitoring-system-instance-status-check.html"""

from __future__ import annotations

import socket
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

IMPAIRED_AFTER_S = 120.0
"""A guest that has not answered by then counts as impaired, until it does."""
_ASK_EVERY_S = 3.0
_ANSWERS_WITHIN_S = 2.0


class Reachability:
    """Watches one guest, from the moment it is powered on until it answers."""

    def __init__(self, address: tuple[str, int], has_asked: Callable[[], bool]) -> None:
        self._address, self._has_asked = address, has_asked
        self._since = time.monotonic()
        self._over = threading.Event()
        self._answered = False

    @property
    def status(self) -> str:
        """Return the word of EC2's instance status check: `initializing`, `ok` or `impaired`."""
        self._answered = self._answered or self._has_asked()
        if self._answered:
            return "ok"
        return "impaired" if time.monotonic() - self._since > IMPAIRED_AFTER_S else "initializing"

    def watch(self) -> None:
        """Ask until the guest answers or `stop` is called; for a thread of its own."""
        while not self._answered and not self._over.wait(_ASK_EVERY_S):
            self._answered = self._has_asked() or self._is_answered()

    def stop(self) -> None:
        """Ask no more: the power is off."""
        self._over.set()

    def _is_answered(self) -> bool:
        try:
            with socket.create_connection(self._address, timeout=_ANSWERS_WITHIN_S) as connection:
                connection.recv(1)  # a banner, or the end that a refusal is
        except ConnectionResetError:
            return True
        except OSError:
            return False
        return True
