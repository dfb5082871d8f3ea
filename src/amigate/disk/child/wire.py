"""What parent and child say to each other over their socket.

First the parent sends the order, JSON after its length. From then on the child speaks in requests, of which some have
a body, and the parent answers those that read. Nothing of it is written down anywhere, so bytes are little-endian."""

from __future__ import annotations

import socket
from struct import Struct

LENGTH = Struct("<I")
REQUEST = Struct("<cHQQ")
"""Kind, number of the device, offset, length; of a body, where there is one, length is how many bytes follow."""
READ, WRITTEN = b"r", b"w"
"""Answered: by the bytes, and by the extents from `offset` on, a page of them."""
PREFETCH, ISOLATION, ANSWER, ERROR = b"p", b"i", b"a", b"e"
"""With a body: extents; what the child is kept apart by, before anything else; the end."""

REPLY = Struct("<cI")
"""Kind and how many bytes follow."""
DATA, INCOMPLETE, UNSUPPORTED = b"d", b"i", b"u"

EXTENT = Struct("<QQ")
MOST_READ = 8 << 20
"""Of one request, or more of them are made."""
PAGE = 16384
"""Extents of one message, at most; a page of what is written that is shorter is the last."""
MOST_TEXT = 16384
"""Bytes of an error or of what the child is kept apart by; text is cut to a quarter of it, as JSON escapes."""

_PART = 1 << 20


def receive(connection: socket.socket, length: int) -> bytes:
    """Return exactly so many bytes; raises EOFError where no more come. Memory is taken as they do."""
    parts: list[bytes] = []
    while length:
        try:
            part = connection.recv(min(length, _PART), socket.MSG_WAITALL)
        except ConnectionError:
            part = b""
        if not part:
            raise EOFError
        parts.append(part)
        length -= len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def send(connection: socket.socket, head: bytes, body: bytes = b"") -> None:
    """Send both; raises EOFError where nobody is there."""
    try:
        if len(body) <= _PART:
            connection.sendall(head + body)
        else:
            connection.sendall(head)
            connection.sendall(body)  # without a copy
    except ConnectionError:
        raise EOFError from None
