"""The child: `python -I -m amigate.disk.child SOCKET PARENT`, as `run` starts it."""

from __future__ import annotations

import gc
import json
import os
import socket
import sys
import traceback
from contextlib import suppress
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from amigate.disk.blocks import IncompleteError, UnsupportedError
from amigate.disk.child import wire
from amigate.disk.child.confine import SOCKET, confine, die_with
from amigate.disk.child.connection import NOBODY_LISTENS, Connection
from amigate.disk.child.limits import Limits
from amigate.disk.child.served import ServedBlocks

if TYPE_CHECKING:
    from collections.abc import Callable

_ENCODINGS = ("ascii", "cp437", "latin_1", "utf_16_be", "utf_16_le", "utf_32_le")
"""Of names and texts in images; Python imports each when it is first used."""
_OUT_OF_MEMORY = b'{"kind": "memory"}'
_TEXT = wire.MOST_TEXT // 16
"""Characters of an error, each of which may become twelve bytes."""


def main() -> None:
    """Read the order, import, give up everything, work, answer."""
    parent = int(sys.argv[2])
    die_with(parent)
    connection = _socket(int(sys.argv[1]))
    try:
        (length,) = wire.LENGTH.unpack(wire.receive(connection, wire.LENGTH.size))
        order = json.loads(wire.receive(connection, length))
    except EOFError:
        os._exit(NOBODY_LISTENS)
    limits = Limits(**order["limits"])
    talk = Connection(connection, limits.cache_bytes)
    devices = [ServedBlocks(talk, number, size) for number, size in enumerate(order["sizes"])]
    try:
        work = _imported(order)
        isolation = json.dumps(asdict(confine(limits, parent))).encode("ascii")
        talk.say(wire.ISOLATION, 0, 0, len(isolation), isolation)
        kind, body = wire.ANSWER, work(devices, order["argument"])
        if len(body) > limits.answer_bytes:
            kind, body = _record("answer")
    except MemoryError:
        kind, body = wire.ERROR, _OUT_OF_MEMORY
    except UnsupportedError as error:
        kind, body = _record("unsupported", str(error))
    except IncompleteError as error:
        kind, body = _record("incomplete", str(error))
    except BaseException as error:  # noqa: BLE001 - whatever it is, the parent is told
        kind, body = _record("failed", _where(error))
    talk.say(kind, 0, 0, len(body), body)
    os._exit(0)


def _socket(descriptor: int) -> socket.socket:
    """Return the socket, as the last of all descriptors."""
    if descriptor != SOCKET:
        os.dup2(descriptor, SOCKET)
    os.closerange(SOCKET + 1, max(descriptor, SOCKET) + 1)
    return socket.socket(fileno=SOCKET)


def _imported(order: dict[str, Any]) -> Callable[[list[ServedBlocks], Any], bytes]:
    """Return the work; imports what it is going to need."""
    if order["folder"] is not None:
        sys.path.insert(0, order["folder"])
    for each in _ENCODINGS:
        import_module(f"encodings.{each}")
        "".encode(each)
    for each in order["modules"]:
        with suppress(ImportError):
            import_module(each)
    module, _, name = order["work"].partition(":")
    work: Callable[[list[ServedBlocks], Any], bytes] = getattr(import_module(module), name)
    gc.freeze()  # modules stay: they need not be looked at again and again
    return work


def _record(kind: str, text: str = "") -> tuple[bytes, bytes]:
    return wire.ERROR, json.dumps({"kind": kind, "text": text[:_TEXT]}).encode("ascii")


def _where(error: BaseException) -> str:
    """Say what was raised and where; not what it says, which may be of the image."""
    name = type(error).__name__
    if isinstance(error, ImportError) and error.name:
        name = f"{name} of {error.name}"
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)][-1:]
    return f"{name} in {Path(frames[0].f_code.co_filename).name}" if frames else name


if __name__ == "__main__":
    main()
