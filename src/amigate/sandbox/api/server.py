"""The endpoint: werkzeug's server on loopback, in a thread."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from werkzeug.serving import WSGIRequestHandler, make_server

from amigate.errors import SandboxError
from amigate.sandbox.api.dispatch import Dispatch
from amigate.sandbox.api.guard import Guard
from amigate.sandbox.api.inject import Inject
from amigate.sandbox.api.record import Record

if TYPE_CHECKING:
    from typing import Self

    from amigate.sandbox.cloud import Cloud
    from amigate.sandbox.watch import Watch

HOST = "127.0.0.1"


class _Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - werkzeug's signature
        """Keep quiet."""

    def connection_dropped(self, error: BaseException, environ: dict[str, Any] | None = None) -> None:  # noqa: ARG002 - werkzeug's signature
        """Close a connection that gets no answer, where HTTP would wait for the next request."""
        self.close_connection = True


class Server:
    """Serves a cloud's API while the context lasts."""

    def __init__(self, cloud: Cloud, port: int, watch: Watch) -> None:
        self._faults = watch.faults
        services = Inject(Dispatch(cloud), cloud, watch.faults)
        guard = Guard(services, hosts=self._hosts, accounts=cloud.accounts)
        try:
            self._server = make_server(HOST, port, Record(guard, watch.calls), threaded=True, request_handler=_Quiet)
        except (OSError, SystemExit) as error:
            raise SandboxError(f"port {port} is taken", hint="choose another, or 0 for any free one") from error
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_port)

    def __enter__(self) -> Self:
        self._faults.closing.clear()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._faults.closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _hosts(self) -> tuple[str, ...]:
        """Values of the Host header that mean this endpoint."""
        return (f"{HOST}:{self.port}", f"localhost:{self.port}")
