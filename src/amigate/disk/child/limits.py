"""What a process that reads an image may use up."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Limits of one child; whoever reaches one is ended."""

    memory_bytes: int = 1 << 30
    """Of address space, beside what Python and its modules take before the image is looked at."""
    cpu_s: int = 1800
    wall_s: float = 3600
    answer_bytes: int = 256 << 20
    requests: int = 20_000_000
    """Reads, extents that are asked for ahead, and extents that are listed."""
    read_bytes: int = 16 << 40
    cache_bytes: int = 64 << 20
    """Of the devices, kept in the child; part of its memory."""
