"""A server on loopback that answers as the EBS direct APIs do: pages, tokens, checksums, and a latency of each block.

It runs in a process of its own; many requests wait out the latency at the same time."""

from __future__ import annotations

import base64
import hashlib
import json
import multiprocessing
import os
import random
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import parse_qs, urlsplit

import boto3
from botocore.config import Config

from amigate.disk.ebs import CONCURRENCY

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from multiprocessing.connection import Connection
    from pathlib import Path

BLOCK = 1 << 19
_PAGE = 1000
_DIFFERENT = 16
"""So many blocks of noise differ; they are made once."""


class Snapshot(Protocol):
    """What is served."""

    size_gib: int

    @property
    def indexes(self) -> Sequence[int]:
        """Of the blocks that were written."""

    def block(self, index: int) -> tuple[bytes, str]:
        """Return a block and its checksum."""


def _sum(data: bytes) -> str:
    return base64.b64encode(hashlib.sha256(data).digest()).decode("ascii")


class Noise:
    """A snapshot of so many blocks."""

    size_gib = 8

    def __init__(self, count: int) -> None:
        seed = random.Random(1)  # noqa: S311 - content of a disk
        blocks = [seed.randbytes(BLOCK) for _ in range(_DIFFERENT)]
        self.indexes = range(count)
        self._blocks = [(each, _sum(each)) for each in blocks]

    def block(self, index: int) -> tuple[bytes, str]:
        """Return a block and its checksum."""
        return self._blocks[index % _DIFFERENT]


class OfFile:
    """A snapshot of a disk in a file; its checksums are made once."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDONLY)
        size = path.stat().st_size
        self.size_gib = -(-size >> 30)
        self._sums: dict[int, str] = {}
        for index in range(-(-size // BLOCK)):
            data = self._read(index)
            if data.count(0) < BLOCK:
                self._sums[index] = _sum(data)
        self.indexes = list(self._sums)

    def block(self, index: int) -> tuple[bytes, str]:
        """Return a block and its checksum."""
        return self._read(index), self._sums[index]

    def _read(self, index: int) -> bytes:
        return os.pread(self._file, BLOCK, index * BLOCK).ljust(BLOCK, b"\0")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    latency_s = 0.0
    snapshot: Snapshot

    def do_GET(self) -> None:
        """Answer ListSnapshotBlocks and GetSnapshotBlock."""
        url = urlsplit(self.path)
        index = url.path.rpartition("/blocks")[2].strip("/")
        if index:
            time.sleep(self.latency_s)
            data, checksum = self.snapshot.block(int(index))
            headers = {
                "x-amz-Data-Length": str(BLOCK),
                "x-amz-Checksum": checksum,
                "x-amz-Checksum-Algorithm": "SHA256",
            }
        else:
            first = int(parse_qs(url.query).get("pageToken", ["0"])[0])
            data, headers = json.dumps(self._page(first)).encode(), {"Content-Type": "application/json"}
        self.send_response(200)
        for name, value in {**headers, "Content-Length": str(len(data))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def _page(self, first: int) -> dict[str, Any]:
        indexes = self.snapshot.indexes
        page: dict[str, Any] = {
            "Blocks": [{"BlockIndex": each, "BlockToken": f"token-{each:06d}"} for each in indexes[first:][:_PAGE]],
            "BlockSize": BLOCK,
            "VolumeSize": self.snapshot.size_gib,
        }
        return page | ({"NextToken": str(first + _PAGE)} if first + _PAGE < len(indexes) else {})

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the base has it
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    request_queue_size = 256
    daemon_threads = True


def _serve(snapshot: Snapshot, latency_s: float, pipe: Connection) -> None:
    _Handler.snapshot = snapshot
    _Handler.latency_s = latency_s
    server = _Server(("127.0.0.1", 0), _Handler)
    pipe.send(server.server_port)
    server.serve_forever()


@contextmanager
def served(snapshot: Snapshot, latency_s: float) -> Iterator[int]:
    """Serve a snapshot for as long as the context lasts; yield the port."""
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.Process(target=_serve, args=(snapshot, latency_s, theirs), daemon=True)
    server.start()
    try:
        yield ours.recv()
    finally:
        server.terminate()
        server.join()


def client_of(port: int) -> Any:
    """Return a client of the server."""
    return boto3.client(
        "ebs",
        endpoint_url=f"http://127.0.0.1:{port}",
        region_name="us-east-1",
        aws_access_key_id="key",
        aws_secret_access_key="secret",  # noqa: S106 - of nothing
        config=Config(max_pool_connections=CONCURRENCY),
    )
