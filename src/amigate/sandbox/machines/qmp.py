"""Commands to a running QEMU: https://qemu-project.gitlab.io/qemu/interop/qmp-spec.html"""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

_TIMEOUT_S = 5.0


def execute(path: Path, command: str) -> Any:
    """Send one command without arguments and return its answer.

    Raises OSError if QEMU is gone or refuses."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(_TIMEOUT_S)
        connection.connect(str(path))
        with connection.makefile("rw") as channel:
            channel.readline()
            _ask(channel, "qmp_capabilities")
            return _ask(channel, command)


def _ask(channel: Any, command: str) -> Any:
    """Events in between are skipped."""
    channel.write(json.dumps({"execute": command}) + "\n")
    channel.flush()
    while line := channel.readline():
        answer = json.loads(line)
        if "return" in answer:
            return answer["return"]
        if "error" in answer:
            raise OSError(answer["error"].get("desc", command))
    raise ConnectionResetError(command)
