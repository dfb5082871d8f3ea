"""What an initramfs holds: archives one after the other, each packed or not, and the host keys that are named in them.

https://docs.kernel.org/driver-api/early-userspace/buffer-format.html; an entry begins with 110 characters, of which
the seventh number is the size of the file and the twelfth that of its name."""

from __future__ import annotations

import bz2
import lzma
import re
import sys
import zlib
from typing import TYPE_CHECKING, Any, Final

from amigate.detect.hits import Hit, Sort
from amigate.detect.names import is_host_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PLACES: Final = re.compile(
    r"(?:\[[^]]*\])?(?:/(?:boot|efi|usr/lib/ostree-boot)/(?:.*/)?(?:initrd|initramfs)[^/]*"
    r"|/(?:usr/)?lib/modules/[^/]*/initr[^/]*)"
    r"|\[[^]]*\]/(?:ostree/.*/)?(?:initrd|initramfs)[^/]*"
)
"""Where an initramfs lies; in a volume that is mounted nowhere, which may be one for /boot, behind its name."""
MOST_PACKED_BYTES = 512 * 1024 * 1024
MOST_UNPACKED_BYTES = 4 * 1024**3
_PIECE_BYTES = 4 * 1024 * 1024
_MOST_SEGMENTS = 100
_MOST_ENTRIES = 1_000_000
_MEMORY_BYTES = 256 * 1024 * 1024
_HEADER_BYTES = 110
_ENTRY = re.compile(rb"07070[12][0-9A-Fa-f]{104}")
_NAMED = re.compile(rb"07070[12][0-9A-Fa-f]{48}(?P<size>[0-9A-Fa-f]{8})[0-9A-Fa-f]{48}(?P<name>[^\0]{1,255})\0")
_LAST = b"TRAILER!!!\0"


class UnpackError(ValueError):
    """It is packed in a way that is not read here, damaged, or larger than is looked at."""


def unpacked(content: bytes) -> Iterator[bytes]:
    """Yield what all archives of an initramfs hold, in pieces; raises UnpackError."""
    at = total = 0
    for _ in range(_MOST_SEGMENTS):
        at += len(content[at : at + 1024 * 1024]) - len(content[at : at + 1024 * 1024].lstrip(b"\0"))
        if at >= len(content):
            return
        if content[at : at + 1] == b"\0":
            continue
        if _ENTRY.match(content, at):
            end = _archive_end(content, at)
            yield from (content[place : min(place + _PIECE_BYTES, end)] for place in range(at, end, _PIECE_BYTES))
            at = end
            continue
        unpacker = _unpacker(content[at : at + 6])
        for piece in _pieces(unpacker, content[at:]):
            total += len(piece)
            if total > MOST_UNPACKED_BYTES:
                raise UnpackError
            yield piece
        at = len(content) - len(unpacker.unused_data)
    raise UnpackError


def named_host_keys(pieces: Iterator[bytes], found: list[Hit]) -> Iterator[bytes]:
    """Pass `pieces` on; note in `found` the entries of archives among them that are named as host keys are."""
    window = b""
    for piece in pieces:
        window += piece
        for match in _NAMED.finditer(window):
            name = match["name"].decode("utf-8", "surrogateescape")
            if is_host_key(f"/{name}") and int(match["size"], 16) and len(found) < 100:  # noqa: PLR2004 - enough to tell
                found.append(
                    Hit(sort=Sort.HOST_KEY, offset=0, detail=f"the initramfs holds {name.rpartition('/')[2]!r}")
                )
        window = window[-_HEADER_BYTES - 256 :]
        yield piece


def _archive_end(content: bytes, at: int) -> int:
    """Return where the archive at `at` ends, behind its last entry."""
    for _ in range(_MOST_ENTRIES):
        if not _ENTRY.match(content, at):
            raise UnpackError
        size, length = (int(content[at + place : at + place + 8], 16) for place in (54, 94))
        name = content[at + _HEADER_BYTES : at + _HEADER_BYTES + length]
        at = _aligned(_aligned(at + _HEADER_BYTES + length) + size)
        if name == _LAST:
            return at
        if at > len(content):
            raise UnpackError
    raise UnpackError


def _aligned(at: int) -> int:
    return at + -at % 4


def _unpacker(magic: bytes) -> Any:
    for begin, make in _FORMATS.items():
        if magic.startswith(begin):
            return make()
    raise UnpackError


def _pieces(unpacker: Any, data: bytes) -> Iterator[bytes]:
    """Yield what `data` unpack to, up to the end of the first stream in them."""
    try:
        while not unpacker.eof:
            piece = unpacker.decompress(data, _PIECE_BYTES)
            data = getattr(unpacker, "unconsumed_tail", b"")
            if not piece and not unpacker.eof:
                raise UnpackError
            yield piece
    except (zlib.error, lzma.LZMAError, OSError, EOFError, MemoryError) as error:
        raise UnpackError from error


class _Zstd:
    """Zstandard, which Python has from 3.14 on; errors are EOFError, as of an unpacker that comes with Python."""

    def __init__(self) -> None:
        if sys.version_info >= (3, 14):
            from compression import zstd  # noqa: PLC0415 - few images need it
        else:
            from backports import zstd  # noqa: PLC0415 - few images need it
        self._error: type[Exception] = zstd.ZstdError
        self._own: Any = zstd.ZstdDecompressor()

    @property
    def eof(self) -> bool:
        """Whether the frame has ended."""
        return bool(self._own.eof)

    @property
    def unused_data(self) -> bytes:
        """What follows it."""
        return bytes(self._own.unused_data)

    def decompress(self, data: bytes, most: int) -> bytes:
        """Return up to `most` bytes of what `data` and what came before unpack to."""
        try:
            return bytes(self._own.decompress(data, most))
        except self._error:
            raise EOFError from None


_FORMATS: dict[bytes, Callable[[], Any]] = {
    b"\x1f\x8b": lambda: zlib.decompressobj(31),
    b"\xfd7zXZ\0": lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_MEMORY_BYTES),
    b"\x5d\0\0": lambda: lzma.LZMADecompressor(lzma.FORMAT_ALONE, memlimit=_MEMORY_BYTES),
    b"BZh": bz2.BZ2Decompressor,
    b"\x28\xb5\x2f\xfd": _Zstd,
}
"""What an initramfs may be packed with; lz4 and lzo are not read."""
