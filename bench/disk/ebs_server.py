"""A server on loopback that answers as the EBS direct APIs do: pages, tokens, checksums, and a latency of each block.

The real service shares no processor with its client, so this one takes as little as can be: one thread in a process of
its own, answers that are made beforehand, and blocks that the kernel sends from a file. Many requests wait out the
latency at the same time."""

from __future__ import annotations

import base64
import hashlib
import json
import multiprocessing
import os
import random
import re
import selectors
import socket
import time
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

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
"""So many blocks of noise differ."""
_GET = re.compile(rb"GET /snapshots/[^/]+/blocks/?(\d*)(?:\?(\S*))? ")
_PAGE_TOKEN = re.compile(rb"pageToken=(\d+)")
_ZEROS = bytes(BLOCK)


@dataclass(frozen=True)
class Snapshot:
    """What is served: blocks of a file, some of them several times."""

    file: int
    size: int
    size_gib: int
    places: dict[int, int]
    """Where in the file a block begins."""
    sums: dict[int, str]
    """By that place."""

    @classmethod
    def noise(cls, count: int) -> Self:
        """Return a snapshot of so many blocks."""
        seed = random.Random(1)  # noqa: S311 - content of a disk
        file = os.memfd_create("noise")
        for _ in range(_DIFFERENT):
            os.write(file, seed.randbytes(BLOCK))
        return cls._of(file, 8, {index: index % _DIFFERENT * BLOCK for index in range(count)})

    @classmethod
    def of_file(cls, path: Path) -> Self:
        """Return a snapshot of a disk in a file."""
        file = os.open(path, os.O_RDONLY)
        size = os.fstat(file).st_size
        places = {at // BLOCK: at for at in range(0, size, BLOCK) if any(_block(file, at))}
        return cls._of(file, -(-size >> 30), places)

    @classmethod
    def _of(cls, file: int, size_gib: int, places: dict[int, int]) -> Self:
        sums = {at: _sum(_block(file, at)) for at in set(places.values())}
        return cls(file, os.fstat(file).st_size, size_gib, places, sums)

    @property
    def indexes(self) -> Sequence[int]:
        """Of the blocks that were written."""
        return list(self.places)

    def page(self, first: int) -> bytes:
        """Return an answer that lists blocks."""
        indexes = self.indexes
        page: dict[str, Any] = {
            "Blocks": [{"BlockIndex": each, "BlockToken": f"token-{each:06d}"} for each in indexes[first:][:_PAGE]],
            "BlockSize": BLOCK,
            "VolumeSize": self.size_gib,
        }
        page |= {"NextToken": str(first + _PAGE)} if first + _PAGE < len(indexes) else {}
        body = json.dumps(page).encode()
        return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)

    def head(self, index: int) -> bytes:
        """Return what stands before a block."""
        return (
            f"HTTP/1.1 200 OK\r\nx-amz-Data-Length: {BLOCK}\r\nx-amz-Checksum: {self.sums[self.places[index]]}\r\n"
            f"x-amz-Checksum-Algorithm: SHA256\r\nContent-Length: {BLOCK}\r\n\r\n"
        ).encode()


def _block(file: int, at: int) -> bytes:
    return os.pread(file, BLOCK, at).ljust(BLOCK, b"\0")


def _sum(data: bytes) -> str:
    return base64.b64encode(hashlib.sha256(data).digest()).decode("ascii")


@dataclass(eq=False)
class _Client:
    """A connection, and what is still to be sent to it."""

    socket: socket.socket
    heard: bytes = b""
    head: bytes = b""
    at: int = 0
    """Where in the file the block goes on."""
    left: int = 0
    """Bytes of it."""
    waiting: int = field(default=-1)
    """The block that was asked for and is not due."""


class _Server:
    """Answers until it is ended."""

    def __init__(self, snapshot: Snapshot, latency_s: float) -> None:
        self._snapshot = snapshot
        self._latency_s = latency_s
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._due: deque[tuple[float, _Client]] = deque()
        self.port = self._listener.getsockname()[1]

    def serve(self) -> None:
        while True:
            wait_s = max(self._due[0][0] - time.monotonic(), 0) if self._due else None
            for key, _ in self._selector.select(wait_s):
                if key.data is None:
                    self._accept()
                elif key.data.head or key.data.left:
                    self._send(key.data)
                else:
                    self._hear(key.data)
            while self._due and self._due[0][0] <= time.monotonic():
                client = self._due.popleft()[1]
                client.head = self._snapshot.head(client.waiting)
                client.at, client.left = self._snapshot.places[client.waiting], BLOCK
                self._send(client)

    def _accept(self) -> None:
        connection, _ = self._listener.accept()
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._selector.register(connection, selectors.EVENT_READ, _Client(connection))

    def _hear(self, client: _Client) -> None:
        heard = client.socket.recv(65536)
        client.heard += heard
        if not heard:
            self._selector.unregister(client.socket)
            client.socket.close()
        elif client.heard.endswith(b"\r\n\r\n"):
            asked = _GET.match(client.heard)
            assert asked is not None, client.heard
            client.heard = b""
            if asked[1]:
                client.waiting = int(asked[1])
                self._due.append((time.monotonic() + self._latency_s, client))
            else:
                first = _PAGE_TOKEN.search(asked[2] or b"")
                client.head = self._snapshot.page(int(first[1]) if first else 0)
                self._send(client)

    def _send(self, client: _Client) -> None:
        """Send as much as can be sent now."""
        try:
            while client.head:
                client.head = client.head[client.socket.send(client.head, socket.MSG_MORE if client.left else 0) :]
            while client.left:
                there = min(client.left, self._snapshot.size - client.at)
                if there > 0:
                    sent = os.sendfile(client.socket.fileno(), self._snapshot.file, client.at, there)
                else:
                    sent = client.socket.send(_ZEROS[: client.left])
                client.at, client.left = client.at + sent, client.left - sent
            self._selector.modify(client.socket, selectors.EVENT_READ, client)
        except BlockingIOError:
            self._selector.modify(client.socket, selectors.EVENT_WRITE, client)


def _serve(snapshot: Snapshot, latency_s: float, pipe: Connection) -> None:
    server = _Server(snapshot, latency_s)
    pipe.send(server.port)
    server.serve()


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
