"""The testinfra host of a user's tests: genuine testinfra, whose commands are answered by a machine or its record."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any

from testinfra.backend.base import BaseBackend, CommandResult
from testinfra.host import Host

from amigate.check import InconclusiveError

if TYPE_CHECKING:
    from collections.abc import Callable

    from amigate.evidence.model import Answer, View

KEY_PREFIX = "own:"
"""How the keys of recorded answers begin among a view's answers."""


class Asked:
    """What a test has asked in vain, so that one that passes over it has shown nothing."""

    def __init__(self) -> None:
        self.unanswered: list[InconclusiveError] = []
        """What could not be answered, also where a test makes nothing of it."""
        self.is_over = False
        """A test has ended: whoever looks at how may not ask more."""

    def noted(self, error: InconclusiveError) -> InconclusiveError:
        """Note what could not be told, and return it to be raised."""
        self.unanswered.append(error)
        return error


class RecordedBackend(BaseBackend, Asked):  # type: ignore[misc] # testinfra has no types
    """Runs nothing itself: `ask` gives the answer to a command that is asked the n-th time.

    Counted, because a test may ask the same twice and be told something else: what happened is what is judged."""

    NAME = "amigate"

    def __init__(self, name: str, ask: Callable[[int, str], Answer]) -> None:
        BaseBackend.__init__(self, name)
        Asked.__init__(self)
        self._ask = ask
        self._asked: dict[str, int] = {}

    def run(self, command: str, *args: str, **_: Any) -> CommandResult:
        """Return the answer; raises InconclusiveError without one."""
        if self.is_over:
            raise InconclusiveError("the test has ended")
        text = self.get_command(command, *args)
        number = self._asked[text] = self._asked.get(text, 0) + 1
        try:
            answer = self._ask(number, text)
        except InconclusiveError as error:
            raise self.noted(error) from None
        return self.result(answer.exit_code, self.encode(text), answer.stdout, answer.stderr)

    def get_encoding(self) -> str:
        """No command of the machine is run to find out: bytes that are no UTF-8 survive as surrogates."""
        return "utf-8"

    def decode(self, data: bytes) -> str:
        """Return text of the machine's."""
        return data.decode("utf-8", "surrogateescape")

    def encode(self, data: str) -> bytes:
        """Return what `decode` read."""
        return data.encode("utf-8", "surrogateescape")


def host_of(name: str, ask: Callable[[int, str], Answer]) -> Host:
    """Return a testinfra host by the name of its launch."""
    backend = RecordedBackend(name, ask)
    host = Host(backend)
    backend.set_host(host)
    return host


def recorded(view: View, entry: str, number: int, command: str) -> Answer:
    """Return what a view has recorded; raises InconclusiveError, in words for a reader, without it."""
    key = key_of(entry, number, command)
    if not view.broken and key in view.unseen:
        raise InconclusiveError(f"{shown(command)}: {view.unseen[key].removeprefix(f'{key}: ')}")
    if not view.broken and key not in view.answers:
        raise InconclusiveError(f"{shown(command)} was not recorded, and only a running machine can answer it")
    if not view.broken and view.answers[key].truncated:
        raise InconclusiveError(f"{shown(command)}: the answer was larger than what is recorded of it")
    return view.answer(key)


def has_record(view: View, entry: str) -> bool:
    """Whether anything that the tests of `entry` asked was recorded."""
    return any(key.startswith(f"{KEY_PREFIX}{entry}:") for key in (*view.answers, *view.unseen))


def key_of(entry: str, number: int, command: str) -> str:
    """Return the key of an answer; no command stands in it, because keys are shown."""
    digest = hashlib.sha256(command.encode("utf-8", "surrogateescape")).hexdigest()[:32]
    return f"{KEY_PREFIX}{entry}:{number}:{digest}"


def shown(command: str) -> str:
    """Return what may be shown of a command: its first word, where that is a program's name."""
    word = re.match(r"[\w./-]{1,60}(?=\s|$)", command.strip(), re.ASCII)
    return f"`{word[0]} …`" if word else "a command"
