"""QEMU starts this for each connection of a guest to 169.254.169.254: stdin and stdout to a unix socket.

Run with `python -I -S`, perhaps an old one, so nothing but the standard library."""

from __future__ import annotations

import os
import select
import socket
import sys

_CHUNK = 65536


def relay(path: str) -> None:
    """Copy both ways until the service hangs up."""
    service = socket.socket(socket.AF_UNIX)
    service.connect(path)
    readable = [0, service.fileno()]
    while True:
        for source in select.select(readable, [], [])[0]:
            data = os.read(source, _CHUNK)
            if source == 0 and data:
                service.sendall(data)
            elif source == 0:
                service.shutdown(socket.SHUT_WR)
                readable.remove(0)
            elif data:
                os.write(1, data)
            else:
                return


if __name__ == "__main__":
    relay(sys.argv[1])
