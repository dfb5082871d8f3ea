"""The archive of packages that a guest can ask: one unix socket for each machine, which QEMU relays to."""

from __future__ import annotations

import socketserver
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Self


class Archive:
    """Serves the files of a folder, and nothing else, while the context lasts."""

    def __init__(self, path: Path, folder: Path) -> None:
        self._path = path
        self._server = _Server(str(path), partial(_Handler, directory=str(folder)))
        path.chmod(0o666)  # the relay runs as another user; the folder above lets nobody else through
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        self._path.unlink(missing_ok=True)


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    request_queue_size = 32

    def handle_error(self, *_: object) -> None:
        """Ignore a guest that hangs up early."""


class _Handler(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30

    def list_directory(self, path: object) -> None:
        """Show no folder."""
        del path
        self.send_error(404)

    def log_message(self, *_: object) -> None:
        """Keep quiet."""
