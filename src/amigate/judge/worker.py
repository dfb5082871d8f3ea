"""A child process that runs code of others: no credentials, nothing that steers pytest, lines in and lines out."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import selectors
import signal
import subprocess
import sys
import threading
import time
from typing import IO, TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from types import TracebackType

CHILD = "amigate.judge.child"
"""The judge's process."""
CAP_BYTES = 64 * 1024 * 1024
"""Most that is read of one child."""
TICK_S = 0.25
ENDING_S = 5.0


class Worker:
    """One child, running `module`, whose first line of standard input is its order; a context manager that ends it.

    Whatever the child does, writing to it never blocks and never raises, and reading from it ends."""

    def __init__(self, module: str) -> None:
        self._read_fd, write_fd = os.pipe()
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-m", module, str(write_fd)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(write_fd,),
            env=_environment(),
            cwd="/",
            start_new_session=True,  # Ctrl-C is the parent's to handle
        )
        os.close(write_fd)
        self._outgoing: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._is_open = True
        threading.Thread(target=self._hand_over, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def order(self, order: Mapping[str, Any]) -> None:
        """Hand the child what it is to do."""
        self.write(json.dumps(order).encode("ascii"))

    def write(self, line: bytes) -> None:
        """Hand the child a line."""
        self._outgoing.put(line + b"\n")

    def end_input(self) -> None:
        """Say that no further line comes."""
        self._outgoing.put(None)

    def lines(
        self, *, start_s: float, silence_s: float, is_cancelled: Callable[[], bool] = lambda: False
    ) -> Iterator[bytes]:
        """Yield what the child says, line by line, until it closes its pipe or is silent for too long.

        `start_s` is how long it may take to the first word, `silence_s` from one to the next."""
        data = bytearray()
        total = 0
        deadline = time.monotonic() + start_s
        with selectors.DefaultSelector() as selector:
            selector.register(self._read_fd, selectors.EVENT_READ)
            while time.monotonic() < deadline and not is_cancelled():
                if not selector.select(TICK_S):
                    continue
                chunk = os.read(self._read_fd, 1 << 16)
                total += len(chunk)
                if not chunk or total > CAP_BYTES:
                    return
                *complete, rest = (data + chunk).split(b"\n")
                data = bytearray(rest)
                yield from map(bytes, complete)
                deadline = time.monotonic() + silence_s

    def ending(self) -> str:
        """Say how the child ended; pytest's exit code is no verdict, and only shown where answers are missing."""
        until = time.monotonic() + ENDING_S
        while time.monotonic() < until:
            # Not reaped yet, so that `close` can still end its process group.
            ended = os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG)
            if ended is not None:
                how = "ended with exit code" if ended.si_code == os.CLD_EXITED else "was ended by signal"
                return f"{how} {ended.si_status}"
            time.sleep(0.01)
        return "did not answer in time"

    def close(self) -> None:
        """End the child, and what it has started and left behind; a second time does nothing."""
        if not self._is_open:
            return
        self._is_open = False
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.end_input()
        os.close(self._read_fd)

    def _hand_over(self) -> None:
        """Write; a child that is gone answers nothing, which is noticed where its answers are missed."""
        stdin: IO[bytes] | None = self.process.stdin
        assert stdin is not None, "made with a pipe"
        with contextlib.suppress(OSError), stdin:
            while (data := self._outgoing.get()) is not None:
                stdin.write(data)
                stdin.flush()


def _environment() -> dict[str, str]:
    """Return an environment without credentials, and in which nothing can steer pytest."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR") if name in os.environ}
    return {**kept, "HOME": "/", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONDONTWRITEBYTECODE": "1"}
