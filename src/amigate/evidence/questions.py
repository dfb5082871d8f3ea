"""What a collector is asked: data shipped with the tool, derived from what the facts declare they need.

Each question declares how what comes of it is kept; there is no default."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from amigate.evidence.keep import Keep

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from amigate.evidence.model import View

CONTENT_CAP_BYTES = 256 * 1024
"""Most that is collected of one file or of one stream of a command, unless a question says otherwise."""


@dataclass(frozen=True)
class ReadFile:
    """The entry at `path`, with its content up to `cap_bytes`."""

    path: str
    keep: Keep
    cap_bytes: int = CONTENT_CAP_BYTES

    @property
    def key(self) -> str:
        """How an unseen file is named in a view."""
        return self.path

    @property
    def wanted_bytes(self) -> int:
        """How much content to send at most."""
        return _wanted_bytes(self)


@dataclass(frozen=True)
class Glob:
    """Every entry that matches `pattern` (`*` and `?`, as in sh), with its content up to `cap_bytes`."""

    pattern: str
    keep: Keep
    cap_bytes: int = CONTENT_CAP_BYTES

    @property
    def key(self) -> str:
        """How an unseen pattern is named in a view."""
        return self.pattern

    @property
    def wanted_bytes(self) -> int:
        """How much content of each match to send at most."""
        return _wanted_bytes(self)


def _wanted_bytes(question: ReadFile | Glob) -> int:
    return 0 if question.keep is Keep.NOTHING else question.cap_bytes


@dataclass(frozen=True)
class Run:
    """The answer of a command, a line of POSIX sh run by root; `key` is how facts ask for it."""

    key: str
    command: str
    keep: Keep
    timeout_s: int = 20
    cap_bytes: int = CONTENT_CAP_BYTES


@dataclass(frozen=True)
class Search:
    """What the detectors find in every file below `folder` of a file system at rest, by content and by name.

    Only what was found is kept, as `Searched`. A running machine is never asked this: see `View.is_at_rest`."""

    folder: str = "/"

    @property
    def key(self) -> str:
        """How facts ask for it."""
        return f"search of {self.folder}"


Question = ReadFile | Glob | Run | Search


@dataclass(frozen=True, kw_only=True)
class Needs:
    """What a fact needs of a view: questions known beforehand, and what follows from their answers.

    `then` is called after each round with all that was seen so far, and returns every question that it would ask;
    what was asked before is not asked again. It may raise InconclusiveError when it cannot tell."""

    first: tuple[Question, ...] = ()
    then: Callable[[View], Iterable[Question]] | None = None
