"""Standard output and error, wherever they lead: a reader who has left, a full disk, a locale of few characters."""

from __future__ import annotations

import io
import os
import sys
from typing import TYPE_CHECKING

from amigate.errors import UsageError

if TYPE_CHECKING:
    from typing import TextIO

    from _typeshed import ReadableBuffer

_STDOUT, _STDERR = 1, 2


class _Outlet(io.FileIO):
    """A standard descriptor. A reader who has left has had enough, which changes no verdict and stops no removal."""

    def write(self, data: ReadableBuffer, /) -> int:
        try:
            return super().write(data)
        except OSError as error:
            nothing = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nothing, self.fileno())
            os.close(nothing)
            if self.fileno() == _STDOUT and not isinstance(error, BrokenPipeError):
                raise UsageError(f"standard output: {error.strerror}", hint="Lead it where there is room.") from None
            return memoryview(data).nbytes


def prepare() -> None:
    """Make both ready for whatever a command says; what a locale lacks is escaped."""
    while (opened := os.open(os.devnull, os.O_RDWR)) <= _STDERR:  # where one is closed, a file would take its place
        pass
    os.close(opened)
    sys.stdout = _stream(sys.stdout, _STDOUT)
    sys.stderr = _stream(sys.stderr, _STDERR)


def _stream(old: TextIO | None, descriptor: int) -> TextIO:
    raw = io.BufferedWriter(_Outlet(descriptor, "w", closefd=False))
    encoding = "utf-8" if old is None else old.encoding
    return io.TextIOWrapper(raw, encoding=encoding, errors="backslashreplace", line_buffering=True)
