"""How long a snapshot takes to read by the EBS direct APIs where each block takes 15 ms, beside what could be at best.

A server on loopback, in a process of its own, answers as the APIs do: pages, tokens, checksums, and a latency that many
requests wait out at the same time. At best is the latency times the rounds that so many connections need; what comes on
top is the work of client and server, on the same machine."""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import multiprocessing
import random
import statistics
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import boto3
from botocore.config import Config

from amigate.disk.blocks import Extent
from amigate.disk.budget import Budget
from amigate.disk.ebs import CONCURRENCY, Ebs
from amigate.disk.stream import stream

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection

BLOCK = 1 << 19
BLOCKS = 1782
"""Written blocks, as a small Debian image has them."""
SOME = 150
"""Blocks of a walk over metadata and small files."""
REPEATS = 5
DIFFERENT = 16
"""So many blocks differ; the server makes them once."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    latency_s = 0.0
    content: tuple[tuple[bytes, str], ...] = ()

    def do_GET(self) -> None:
        """Answer ListSnapshotBlocks and GetSnapshotBlock."""
        url = urlsplit(self.path)
        index = url.path.rpartition("/blocks")[2].strip("/")
        if index:
            time.sleep(self.latency_s)
            data, checksum = self.content[int(index) % DIFFERENT]
            headers = {
                "x-amz-Data-Length": str(BLOCK),
                "x-amz-Checksum": checksum,
                "x-amz-Checksum-Algorithm": "SHA256",
            }
        else:
            first = int(parse_qs(url.query).get("pageToken", ["0"])[0])
            listed = range(first, min(first + 1000, BLOCKS))
            page: dict[str, Any] = {
                "Blocks": [{"BlockIndex": number, "BlockToken": f"token-{number:06d}"} for number in listed],
                "BlockSize": BLOCK,
                "VolumeSize": 8,
            }
            page |= {"NextToken": str(listed.stop)} if listed.stop < BLOCKS else {}
            data, headers = json.dumps(page).encode(), {"Content-Type": "application/json"}
        self.send_response(200)
        for name, value in {**headers, "Content-Length": str(len(data))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the base has it
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    request_queue_size = 256
    daemon_threads = True


def serve(latency_s: float, pipe: Connection) -> None:
    """Serve until the process ends; says its port first."""
    seed = random.Random(1)  # noqa: S311 - content of a disk
    blocks = [seed.randbytes(BLOCK) for _ in range(DIFFERENT)]
    _Handler.content = tuple((each, base64.b64encode(hashlib.sha256(each).digest()).decode()) for each in blocks)
    _Handler.latency_s = latency_s
    server = _Server(("127.0.0.1", 0), _Handler)
    pipe.send(server.server_port)
    server.serve_forever()


def walk(disk: Ebs) -> None:
    """Read a little of blocks that lie apart, fetched ahead."""
    places = [Extent(index * BLOCK + 4096, 4096) for index in range(0, SOME * 11, 11)]
    disk.prefetch(places)
    for place in places:
        disk.read(place.offset, place.length)


def walk_unplanned(disk: Ebs) -> None:
    """Read the same, one after the other."""
    for index in range(0, SOME * 11, 11):
        disk.read(index * BLOCK + 4096, 4096)


def scan(disk: Ebs) -> None:
    """Read everything in order."""
    for _ in stream(disk, disk.written()):
        pass


JOBS: dict[str, tuple[Callable[[Ebs], None], int, int]] = {
    "list": (lambda _: None, 0, 0),
    "150 blocks, fetched ahead": (walk, SOME, CONCURRENCY),
    "150 blocks, one by one": (walk_unplanned, SOME, 1),
    "everything, in order": (scan, BLOCKS, CONCURRENCY),
}


def measure(port: int, job: Callable[[Ebs], None]) -> tuple[float, Budget]:
    """Return seconds of a job with a new client, and what was asked."""
    client = boto3.client(
        "ebs",
        endpoint_url=f"http://127.0.0.1:{port}",
        region_name="us-east-1",
        aws_access_key_id="key",
        aws_secret_access_key="secret",  # noqa: S106 - of nothing
        config=Config(max_pool_connections=CONCURRENCY),
    )
    budget = Budget()
    begin = time.perf_counter()
    with Ebs(client, "snap-0123456789abcdef0", budget=budget) as disk:
        job(disk)
    return time.perf_counter() - begin, budget


def main() -> None:
    """Print one line for each job: median, at best, and what was asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--latency-ms", type=float, default=15)
    latency_s = parser.parse_args().latency_ms / 1000
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.Process(target=serve, args=(latency_s, theirs), daemon=True)
    server.start()
    port = ours.recv()
    try:
        measure(port, lambda _: None)  # the first client loads botocore's model
        for name, (job, blocks, at_once) in JOBS.items():
            runs = [measure(port, job) for _ in range(REPEATS)]
            seconds = statistics.median(run[0] for run in runs)
            best = -(-blocks // at_once) * latency_s if at_once else 0
            budget = runs[0][1]
            print(
                f"{name:28}{seconds:7.2f} s   at best {best:5.2f} s   {budget.blocks:5} blocks, "
                f"{budget.requests:5} requests, USD {budget.usd:.4f}"
            )
    finally:
        server.terminate()
        server.join()


if __name__ == "__main__":
    main()
