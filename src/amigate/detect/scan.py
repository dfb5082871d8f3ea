"""All detectors over bytes: of a file, of a device, or of anything else that comes in pieces."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from amigate.detect.aws_keys import NEAR_BYTES, aws_keys
from amigate.detect.logs import logged
from amigate.detect.private_keys import MOST_BYTES, private_keys
from amigate.detect.tokens import tokens

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from amigate.detect.hits import Hit

BEHIND = MOST_BYTES + 128
"""How much a detector may want to see behind the place where something begins."""
BEFORE = NEAR_BYTES
"""And before it."""


def scan(data: bytes, start: int = 0, end: int | None = None) -> Iterator[Hit]:
    """Yield what begins in `data` from `start` up to `end`, with offsets from the beginning of `data`.

    To have everything that stands there, `data` must hold BEFORE bytes before `start` and BEHIND bytes behind `end`,
    where there are so many."""
    end = len(data) if end is None else end
    yield from private_keys(data, start, end)
    yield from aws_keys(data, start, end)


def scan_text(data: bytes, start: int = 0, end: int | None = None) -> Iterator[Hit]:
    """Yield what `scan` does, and the tokens of services, which nobody looks for in programs."""
    end = len(data) if end is None else end
    yield from scan(data, start, end)
    yield from tokens(data, start, end)


def scan_log(data: bytes, start: int = 0, end: int | None = None) -> Iterator[Hit]:
    """Yield what `scan_text` does, and the secrets that only logs have."""
    end = len(data) if end is None else end
    yield from scan_text(data, start, end)
    for hit in logged(data[start : end + BEHIND]):
        if start + hit.offset < end:
            yield replace(hit, offset=start + hit.offset)


def scan_pieces(
    pieces: Iterable[bytes], detect: Callable[[bytes, int, int | None], Iterator[Hit]] = scan
) -> Iterator[tuple[Hit, int, int]]:
    """Yield each hit of `detect` once in what `pieces` make together, with its offset in it and its line, from 1.

    Memory holds one piece and the BEFORE and BEHIND of it."""
    window, start, base, lines = b"", 0, 0, 1
    for piece in pieces:
        window += piece
        end = len(window) - BEHIND
        if end <= start:
            continue
        yield from _told(detect(window, start, end), window, base, lines)
        cut = max(0, end - BEFORE)
        lines += window.count(b"\n", 0, cut)
        window, start, base = window[cut:], end - cut, base + cut
    yield from _told(detect(window, start, None), window, base, lines)


def _told(hits: Iterable[Hit], window: bytes, base: int, lines: int) -> Iterator[tuple[Hit, int, int]]:
    for hit in hits:
        yield hit, base + hit.offset, lines + window.count(b"\n", 0, hit.offset)
