"""What became of one mutant."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Result(StrEnum):
    """How the inspection of a mutant ended; the last four are bugs."""

    EQUAL = "equal"
    """All is told as it is without the mutation."""
    TOLD = "told"
    """It is said that something could not be read."""
    CONTENT = "content"
    """The content of files is told as it is now, and all else as it was."""
    OTHER = "other"
    """Something else is told, of what has no checksum or one that was made right."""
    SILENT = "silent"
    """Something else is told, although a checksum is wrong."""
    CRASH = "crash"
    HANG = "hang"
    MEMORY = "memory"

    @property
    def is_bug(self) -> bool:
        """Whether this must not be."""
        return self in {Result.SILENT, Result.CRASH, Result.HANG, Result.MEMORY}


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of one mutant."""

    kind: str
    seed: int
    result: Result
    is_repaired: bool = False
    seconds: float = 0.0
    """Of the processor."""
    peak_mib: float = 0.0
    """Of memory that is in use, Python itself included."""
    detail: str = ""
