"""The pipe to a program on the machine under test."""

from __future__ import annotations

from typing import Protocol


class Channel(Protocol):
    """Standard input and output of one remote program; what comes back is the image's word, so hostile."""

    def send(self, data: bytes) -> None:
        """Write all of `data`; raise OSError when the other side is gone."""

    def receive(self, timeout_s: float) -> bytes:
        """Return some bytes, b"" once the program has ended; raise TimeoutError when nothing came in time."""

    def close(self) -> None:
        """End the program."""
