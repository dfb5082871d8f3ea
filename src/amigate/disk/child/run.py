"""A child that reads an image: started, served, ended."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import Future, wait
from dataclasses import asdict, dataclass
from threading import Thread
from typing import TYPE_CHECKING, Any

from amigate.disk.child import ended, wire
from amigate.disk.child.limits import Limits
from amigate.disk.child.serve import Server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from amigate.disk.blocks import Blocks
    from amigate.disk.child.isolation import Isolation

_TICK_S = 0.1
_TELL_S = 20.0
_EXIT_S = 2.0
"""For a child that closed its connection to exit."""
_RETURN_S = 5.0
"""For a device to come back from a read that nobody waits for any more."""


@dataclass(frozen=True, kw_only=True)
class Work:
    """What a child does: a function of devices (`Sequence[Blocks]`) and `argument` that returns bytes."""

    name: str
    """`module:function`. The module imports all it needs: once the image is looked at, nothing can be imported."""
    argument: Any = None
    """Of JSON."""
    modules: Sequence[str] = ()
    """Imported first, where they are installed: what the work imports only where an image needs it."""
    folder: Path | None = None
    """Where its module lies, if not among those that are installed."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a child answered. It was near a hostile image, so it is to be read as strictly as the image."""

    data: bytes
    isolation: Isolation


def in_child(
    work: Work,
    devices: Sequence[Blocks],
    *,
    limits: Limits | None = None,
    cancelled: Callable[[], bool] = lambda: False,
    progress: Callable[[int], None] = lambda _: None,
) -> Answer:
    """Return what `work` returns in a process that has nothing but these devices.

    IncompleteError and UnsupportedError of the work are raised here, with their text; a child that ends otherwise is
    an EndedError, which is an IncompleteError too. `progress` is told now and then how many bytes were read. Devices
    are read by a thread of their own. One that is still reading when the child is ended gets 5 s to come back."""
    limits = limits or Limits()
    order = _order(work, devices, limits)
    ours, theirs = socket.socketpair()
    server = Server(ours, devices, limits)
    with ours, _serving(server, ours, order) as future, _child(theirs) as process:
        _wait(future, limits, cancelled, lambda: progress(server.read_bytes))
        try:
            data = future.result()
        except EOFError:
            raise ended.silent(_status(process), limits) from None
    assert server.isolation is not None, "or there is no answer"
    return Answer(data=data, isolation=server.isolation)


@contextlib.contextmanager
def _child(connection: socket.socket) -> Iterator[subprocess.Popen[bytes]]:
    """Start a child; afterwards it, and all that it may have started, is gone."""
    # -I: nothing in the environment and in the folder at hand steers Python.
    with connection:
        process = subprocess.Popen(
            [sys.executable, "-I", "-m", "amigate.disk.child", str(connection.fileno()), str(os.getpid())],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(connection.fileno(),),
            env=_environment(),
            cwd="/",
            start_new_session=True,
        )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _environment() -> dict[str, str]:
    """Return an environment without credentials; some builds of Python do not start without LD_LIBRARY_PATH."""
    kept = {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}
    return {**kept, "LANG": "C.UTF-8", "HOME": "/"}


def _order(work: Work, devices: Sequence[Blocks], limits: Limits) -> bytes:
    order = {
        "work": work.name,
        "argument": work.argument,
        "modules": list(work.modules),
        "folder": None if work.folder is None else str(work.folder),
        "sizes": [device.size for device in devices],
        "limits": asdict(limits),
    }
    return json.dumps(order).encode("ascii")


@contextlib.contextmanager
def _serving(server: Server, connection: socket.socket, order: bytes) -> Iterator[Future[bytes]]:
    """Serve in a thread, for as long as the context lasts; yields what will be the answer."""
    future: Future[bytes] = Future()

    def serve() -> None:
        try:
            wire.send(connection, wire.LENGTH.pack(len(order)), order)
            future.set_result(server.serve())
        except BaseException as error:  # noqa: BLE001 - raised again by whom waits for the answer
            future.set_exception(error)

    thread = Thread(target=serve, name="serves an image", daemon=True)
    thread.start()
    try:
        yield future
    finally:
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
        thread.join(_RETURN_S)


def _wait(future: Future[bytes], limits: Limits, cancelled: Callable[[], bool], tell: Callable[[], None]) -> None:
    """Wait until there is an answer, or an error instead of one; `tell` every `_TELL_S`."""
    deadline = time.monotonic() + limits.wall_s
    told = time.monotonic()
    while not wait([future], _TICK_S).done:
        if time.monotonic() > told + _TELL_S:
            told = time.monotonic()
            tell()
        if time.monotonic() > deadline:
            raise ended.late(limits)
        if cancelled():
            raise ended.cancelled()


def _status(process: subprocess.Popen[bytes]) -> os.waitid_result | None:
    """Return how a child ended, None for one that has not; it is not reaped yet, so that its group can be ended."""
    until = time.monotonic() + _EXIT_S
    while time.monotonic() < until:
        status = os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG)
        if status is not None:
            return status
        time.sleep(0.005)
    return None
