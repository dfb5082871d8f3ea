"""The instance metadata service: one unix socket for each machine, which QEMU relays to.

Rules of the token: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-metadata-v2-how-it-works.html"""

from __future__ import annotations

import secrets
import socketserver
import threading
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING

from amigate.sandbox.machines import metadata

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Self

    from amigate.sandbox.machines.spec import Spec

_LONGEST_TTL_S = 21600
_MOST_TOKENS = 1024
"""Beyond them the oldest go; a guest must not fill the host's memory."""
_LARGEST_BODY = 1024
"""Of a request; none needs a body at all."""
_TTL_HEADER = "X-aws-ec2-metadata-token-ttl-seconds"
_TOKEN_HEADER = "X-aws-ec2-metadata-token"  # noqa: S105 - the name of a header
_Answer = tuple[HTTPStatus, bytes, dict[str, str]]


class Imds:
    """Serves the metadata of one instance while the context lasts."""

    def __init__(self, path: Path, spec: Spec) -> None:
        self.spec = spec
        """What it tells; replaced when options change."""
        self.was_asked = False
        """Whether the guest has made any request."""
        self._tokens: dict[str, float] = {}
        self._lock = threading.Lock()
        self._path = path
        self._server = _Server(str(path), _handler(self))
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

    def token(self, path: str, ttl: str | None, *, forwarded: bool) -> _Answer:
        """Answer a PUT: a session token, unless a proxy forwarded the request."""
        self.was_asked = True
        if not self.spec.metadata_enabled:
            return _refusal(HTTPStatus.FORBIDDEN)
        if path.rstrip("/") != "/latest/api/token":
            return _refusal(HTTPStatus.NOT_FOUND)
        if forwarded:
            return _refusal(HTTPStatus.FORBIDDEN)
        if ttl is None or not ttl.isdecimal() or not 1 <= int(ttl) <= _LONGEST_TTL_S:
            return _refusal(HTTPStatus.BAD_REQUEST)
        return HTTPStatus.OK, self._new_token(int(ttl)).encode(), {_TTL_HEADER: ttl}

    def _new_token(self, ttl_s: int) -> str:
        made, now = secrets.token_urlsafe(40), time.monotonic()
        with self._lock:
            valid = [(token, end) for token, end in self._tokens.items() if end >= now]
            self._tokens = dict([*valid, (made, now + ttl_s)][-_MOST_TOKENS:])
        return made

    def read(self, path: str, token: str | None) -> _Answer:
        """Answer a GET, which needs a token that has not run out; HttpTokens=optional allows none at all."""
        self.was_asked = True
        if not self.spec.metadata_enabled:
            return _refusal(HTTPStatus.FORBIDDEN)
        needed = self.spec.tokens_required or token is not None
        if needed and self._tokens.get(token or "", 0.0) < time.monotonic():
            return _refusal(HTTPStatus.UNAUTHORIZED)
        version, _, rest = path.partition("?")[0].strip("/").partition("/")
        if not version:
            return HTTPStatus.OK, "\n".join(metadata.VERSIONS).encode(), {}
        if version not in metadata.VERSIONS:
            return _refusal(HTTPStatus.NOT_FOUND)
        if rest == "user-data":
            data = self.spec.user_data
            return (HTTPStatus.OK, data, {}) if data else _refusal(HTTPStatus.NOT_FOUND)
        node = metadata.find(metadata.tree(self.spec), rest)
        return _refusal(HTTPStatus.NOT_FOUND) if node is None else (HTTPStatus.OK, metadata.render(node).encode(), {})


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    request_queue_size = 32

    def handle_error(self, *_: object) -> None:
        """Ignore a guest that hangs up early."""


def _refusal(status: HTTPStatus) -> _Answer:
    return status, b"", {}


def _body_length(header: str | None) -> int | None:
    """Return how long a body is said to be; None if that is no number or too much."""
    text = (header or "0").strip()
    plausible = text.isascii() and text.isdecimal() and len(text) <= len(str(_LARGEST_BODY))
    return int(text) if plausible and int(text) <= _LARGEST_BODY else None


def _handler(imds: Imds) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        server_version = "EC2ws"
        sys_version = ""
        timeout = 30

        def do_PUT(self) -> None:
            """Hand out a token."""
            length = _body_length(self.headers.get("Content-Length"))
            if length is None:
                self.close_connection = True  # what follows is no request
                self._send(_refusal(HTTPStatus.BAD_REQUEST))
                return
            self.rfile.read(length)
            forwarded = "X-Forwarded-For" in self.headers
            self._send(imds.token(self.path, self.headers.get(_TTL_HEADER), forwarded=forwarded))

        def do_GET(self) -> None:
            """Read metadata."""
            self._send(imds.read(self.path, self.headers.get(_TOKEN_HEADER)))

        def _send(self, answer: _Answer) -> None:
            status, body, headers = answer
            self.send_response(status)
            for name, value in {"Content-Type": "text/plain", "Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    return Handler
