"""Compressed clusters of qcow2: each inflates to one cluster, or is damaged.

As QEMU does (block/qcow2-threads.c): deflate without a header, or one frame of zstd."""

from __future__ import annotations

import sys
import zlib

from amigate.disk.blocks import IncompleteError

_WINDOW_BITS = -15
_ZSTD_WINDOW_BITS = 23
"""QEMU's are as large as a cluster, 2 MiB at most; more would take memory on the word of the image."""


def inflate(data: bytes, length: int, *, zstd: bool) -> bytes:
    """Return `length` bytes; raises IncompleteError where the data does not hold that many."""
    found = _zstd(data, length) if zstd else _deflate(data, length)
    if len(found) != length:
        raise IncompleteError("a compressed cluster of the qcow2 image is too short")
    return found


def _deflate(data: bytes, length: int) -> bytes:
    try:
        return zlib.decompressobj(_WINDOW_BITS).decompress(data, length)
    except zlib.error as error:
        raise IncompleteError("a compressed cluster of the qcow2 image is damaged") from error


def _zstd(data: bytes, length: int) -> bytes:
    if sys.version_info >= (3, 14):
        from compression import zstd  # noqa: PLC0415 - few images need it
    else:
        from backports import zstd  # noqa: PLC0415 - few images need it

    try:
        options = {int(zstd.DecompressionParameter.window_log_max): _ZSTD_WINDOW_BITS}
        return zstd.ZstdDecompressor(options=options).decompress(data, length)
    except zstd.ZstdError as error:
        raise IncompleteError("a compressed cluster of the qcow2 image is damaged") from error
