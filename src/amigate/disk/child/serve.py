"""The parent's side of the socket: it answers what may be asked, believes nothing, and takes the answer."""

from __future__ import annotations

import json
from dataclasses import fields
from itertools import dropwhile, islice
from typing import TYPE_CHECKING

from amigate.disk.blocks import Extent, IncompleteError, UnsupportedError
from amigate.disk.child import ended, wire
from amigate.disk.child.ended import EndedError, Ending
from amigate.disk.child.isolation import Isolation

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator, Sequence

    from amigate.disk.blocks import Blocks
    from amigate.disk.child.limits import Limits


class Server:
    """Serves devices to one child."""

    def __init__(self, connection: socket.socket, devices: Sequence[Blocks], limits: Limits) -> None:
        self._socket = connection
        self._devices = devices
        self._limits = limits
        self._requests = 0
        self.read_bytes = 0
        """So far."""
        self._listing: dict[int, tuple[int, Iterator[Extent]]] = {}
        """By device: what is listed already ends here, and the rest."""
        self.isolation: Isolation | None = None

    def serve(self) -> bytes:
        """Return the child's answer.

        Raises EndedError for what no child of ours says, the error that the child answers with, and EOFError where it
        says nothing any more. What a device raises beside OSError is passed on."""
        while True:
            kind, number, offset, length = wire.REQUEST.unpack(wire.receive(self._socket, wire.REQUEST.size))
            if kind == wire.ERROR:
                raise self._error(self._body(length))
            if (self.isolation is None) != (kind == wire.ISOLATION):
                raise ended.malformed("something at the wrong time")
            if kind == wire.ISOLATION:
                self.isolation = _isolation(self._body(length))
            elif kind == wire.ANSWER:
                return self._answer(length)
            else:
                self._request(kind, number, offset, length)

    def _request(self, kind: bytes, number: int, offset: int, length: int) -> None:
        if number >= len(self._devices):
            raise ended.malformed("a device that there is not")
        if kind == wire.READ:
            self._read(self._devices[number], offset, length)
        elif kind == wire.PREFETCH:
            self._prefetch(self._devices[number], length)
        elif kind == wire.WRITTEN:
            self._written(number, offset)
        else:
            raise ended.malformed("a request that there is not")

    def _read(self, device: Blocks, offset: int, length: int) -> None:
        if not 0 < length <= wire.MOST_READ or offset + length > device.size:
            raise ended.malformed("a read of what there is not")
        self._take(requests=1, read_bytes=length)
        try:
            data = device.read(offset, length)
        except OSError as error:
            self._refuse(error)
        else:
            self._reply(wire.DATA, data)

    def _prefetch(self, device: Blocks, length: int) -> None:
        count, rest = divmod(length, wire.EXTENT.size)
        if rest or not 0 < count <= wire.PAGE:
            raise ended.malformed("no list of extents")
        self._take(requests=count)
        extents = [Extent(*each) for each in wire.EXTENT.iter_unpack(wire.receive(self._socket, length))]
        if not all(each.length and each.end <= device.size for each in extents):
            raise ended.malformed("an extent of what there is not")
        device.prefetch(extents)

    def _written(self, number: int, offset: int) -> None:
        """Reply with a page of what is written from `offset` on; pages in order cost nothing twice."""
        try:
            done, rest = self._listing.pop(number, (0, None))
            if rest is None or done != offset:
                rest = dropwhile(lambda each: each.end <= offset, self._devices[number].written())
            page = list(islice(rest, wire.PAGE))
        except OSError as error:
            self._refuse(error)
            return
        self._take(requests=1 + len(page))
        if page:
            self._listing[number] = (page[-1].end, rest)
        self._reply(wire.DATA, b"".join(wire.EXTENT.pack(each.offset, each.length) for each in page))

    def _take(self, *, requests: int, read_bytes: int = 0) -> None:
        self._requests += requests
        self.read_bytes += read_bytes
        if self._requests > self._limits.requests or self.read_bytes > self._limits.read_bytes:
            raise EndedError(
                Ending.REQUESTS,
                f"asked for more than {self._limits.requests} times, or {self._limits.read_bytes} bytes, of the image",
            )

    def _refuse(self, error: OSError) -> None:
        kind = wire.UNSUPPORTED if isinstance(error, UnsupportedError) else wire.INCOMPLETE
        self._reply(kind, str(error).encode("utf-8", "replace")[: wire.MOST_TEXT])

    def _reply(self, kind: bytes, body: bytes) -> None:
        wire.send(self._socket, wire.REPLY.pack(kind, len(body)), body)

    def _answer(self, length: int) -> bytes:
        if length > self._limits.answer_bytes:
            raise ended.answer_too_large(self._limits)
        return wire.receive(self._socket, length)

    def _body(self, length: int) -> object:
        """Return what a small body says, None where it is no JSON."""
        if length > wire.MOST_TEXT:
            raise ended.malformed("a text without end")
        try:
            return json.loads(wire.receive(self._socket, length))
        except (ValueError, RecursionError):
            return None

    def _error(self, said: object) -> OSError:
        """Return the error that the child answers with."""
        match said:
            case {"kind": "memory"}:
                return ended.memory(self._limits)
            case {"kind": "answer"}:
                return ended.answer_too_large(self._limits)
            case {"kind": "failed", "text": str(text)}:
                return EndedError(Ending.FAILED, f"failed: {text}")
            case {"kind": "incomplete", "text": str(text)}:
                return IncompleteError(text)
            case {"kind": "unsupported", "text": str(text)}:
                return UnsupportedError(text)
        return ended.malformed("an error of no kind")


def _isolation(said: object) -> Isolation:
    names = {field.name for field in fields(Isolation)}
    if not isinstance(said, dict) or said.keys() != names or not all(isinstance(each, bool) for each in said.values()):
        raise ended.malformed("what it is kept apart by")
    return Isolation(**said)
