"""The log of what an endpoint was asked: every call, also those that were refused at the door, and never a secret."""

from __future__ import annotations

import json
import logging
import threading
from collections import deque
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from collections.abc import Mapping

_log = logging.getLogger(__name__)
_MOST = 10_000
_MOST_REFUSED = 1_000


@dataclass(frozen=True, kw_only=True)
class Call:
    """One request that reached the endpoint, and what became of it."""

    number: int = 0
    """Counts from 1, in the order in which the answers were ready."""
    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    """When it arrived."""
    duration_s: float = 0.0
    service: str
    action: str
    """Empty where none was named, or the request was refused before it was read."""
    account: str = ""
    region: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """As boto3 names them, cut to a few KiB; what is secret reads `<hidden>`, bytes read `<n bytes>`."""
    code: str = "ok"
    """`ok`, the error code of the answer, or `dropped` where there was no answer."""
    status: int = 0
    """The HTTP status; 0 where there was no answer."""
    refused: str = ""
    """Why the guard did not let it through."""
    fault: str = ""
    """What an injected fault did to it."""

    def to_json(self) -> str:
        """One line."""
        shown = {**asdict(self), "at": self.at.isoformat(timespec="milliseconds")}
        return json.dumps(shown, default=str, separators=(",", ":"))


class Calls:
    """The calls of one sandbox, the newest 10,000 of them; safe to use from several threads.

    Refused calls are kept apart (1,000 of them), so that whoever knocks without a key cannot push real ones out."""

    def __init__(self, most: int = _MOST, most_refused: int = _MOST_REFUSED) -> None:
        self._lock = threading.Lock()
        self._kept: deque[Call] = deque(maxlen=most)
        self._refused: deque[Call] = deque(maxlen=most_refused)
        self._number = 0
        self._dropped = 0
        self._lines: TextIO | None = None

    @property
    def dropped(self) -> int:
        """How many are not in the log any more because newer ones took their place."""
        with self._lock:
            return self._dropped

    def __len__(self) -> int:
        with self._lock:
            return len(self._kept) + len(self._refused)

    def add(self, **about: Any) -> Call:
        """Log a call, which gets the next number."""
        with self._lock:
            self._number += 1
            call = Call(**about, number=self._number)
            kept = self._refused if call.refused else self._kept
            self._dropped += len(kept) == kept.maxlen
            kept.append(call)
            self._write(call)
        return call

    def all(self) -> list[Call]:
        """Every call in the log, oldest first."""
        with self._lock:
            return self._all()

    def take(self) -> list[Call]:
        """Every call in the log, which is empty afterwards."""
        with self._lock:
            taken = self._all()
            self._clear()
        return taken

    def clear(self) -> None:
        """Empty the log and its counter of dropped calls."""
        with self._lock:
            self._clear()

    def matching(self, action: str = "*", *, service: str = "*", code: str = "*", refused: bool = False) -> list[Call]:
        """Return the calls that fit all patterns (as file names are matched); those let through, or those refused."""
        return [
            call
            for call in self.all()
            if bool(call.refused) == refused
            and fnmatchcase(call.action, action)
            and fnmatchcase(call.service, service)
            and fnmatchcase(call.code, code)
        ]

    def write_to(self, lines: TextIO | None) -> None:
        """Write each call from now on as a line of JSON, or with None no more."""
        with self._lock:
            self._lines = lines

    def _all(self) -> list[Call]:
        return sorted([*self._kept, *self._refused], key=lambda call: call.number)

    def _clear(self) -> None:
        self._kept.clear()
        self._refused.clear()
        self._dropped = 0

    def _write(self, call: Call) -> None:
        if self._lines is None:
            return
        try:
            print(call.to_json(), file=self._lines, flush=True)
        except (OSError, ValueError) as error:
            self._lines = None
            _log.warning("the log of calls is written no more: %s", error)
