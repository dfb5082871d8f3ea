"""Collecting a view of a running machine: a few rounds of questions through one root shell, which stays for more."""

from __future__ import annotations

import logging
import secrets
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from amigate.check import AnswerError
from amigate.errors import AmigateError, CollectionError
from amigate.evidence.frames import EndedError, FrameReader, Seen, read_round
from amigate.evidence.model import View
from amigate.evidence.script import SHELL, script

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from amigate.evidence.channel import Channel
    from amigate.evidence.questions import Needs, Question
    from amigate.evidence.redaction.redactor import Redactor

ROUNDS = 6
"""Most rounds of one collection; the shipped facts need two, or three where host keys lie elsewhere."""
SHELLS = 5
"""Most root shells of one collector: a question that ends or hangs one costs its own answer, and a new shell.

The first time it costs two, as answers had waited for each other until then."""

_log = logging.getLogger(__name__)


def collect(
    open_shell: Callable[[str], Channel],
    needs: Sequence[Needs],
    *,
    redactor: Redactor | None,
    deadline_s: float = 120.0,
) -> View:
    """Return what `needs` ask for, seen from inside; see `Collector`."""
    with Collector(open_shell, redactor) as collector:
        return collector.collect(needs, deadline_s=deadline_s)


class Collector:
    """A root shell on a machine, and all that was seen through it so far.

    `open_shell` starts a command line on the machine; what it raises when the machine refuses passes through the
    first time. `redactor` decides what is kept, before anybody sees it; None keeps everything, and is for whoever
    changes the machine and keeps no evidence. Whatever else the machine does, the result is a view: what it did not
    answer is `unseen`, and a machine on which the collector cannot run at all gives a broken view."""

    def __init__(self, open_shell: Callable[[str], Channel], redactor: Redactor | None) -> None:
        self._open_shell = open_shell
        self._redactor = redactor
        self._channel: Channel | None = None
        self._shells = 0
        self._asked: set[Question] = set()
        self._seen = Seen(entries={}, absent=set(), globbed=set(), answers={}, unseen={}, answered=set())
        self._broken = ""
        self._killed: list[str] = []
        self._together = True
        """Answers may wait for each other, until something goes wrong."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the shell; what was seen stays."""
        channel, self._channel = self._channel, None
        if channel is not None:
            channel.close()

    @property
    def view(self) -> View:
        """All that was seen so far."""
        seen = self._seen
        if self._broken and not (seen.entries or seen.answers):
            return View(broken=self._broken)
        return _view(seen)

    def collect(self, needs: Sequence[Needs], *, deadline_s: float = 120.0) -> View:
        """Ask what `needs` ask for and what follows from the answers, round by round; return the view."""
        deadline = time.monotonic() + deadline_s
        for _ in range(ROUNDS):
            questions = self._new(_wanted(needs, self.view))
            if not questions or not self._ask(questions, deadline):
                break
        return self.view

    def ask(self, questions: Iterable[Question], *, deadline_s: float = 60.0) -> View:
        """Ask what was not asked before, in one round trip; return the view with the answers in it."""
        if new := self._new(questions):
            self._ask(new, time.monotonic() + deadline_s)
        return self.view

    def _new(self, questions: Iterable[Question]) -> list[Question]:
        """Return what was not asked yet, each once; what a shell cannot be asked is unseen."""
        wanted = [question for question in dict.fromkeys(questions) if question not in self._asked]
        self._asked.update(wanted)
        for question in wanted:
            if not _expressible(question):
                self._seen.unseen[question.key] = f"{question.key!r} cannot be asked for in a shell"
        return [question for question in wanted if _expressible(question)]

    def _ask(self, questions: Sequence[Question], deadline: float) -> bool:
        """Ask one round; say whether the machine can be asked more.

        Answers come in the order of the questions, so where the shell ends or hangs, the first that is missing did
        it: it is given up, and another shell is asked the rest. Where answers waited for each other, all that are
        missing are asked again first, one by one."""
        left = [] if self._broken else list(questions)
        self._give_up(questions if self._broken else (), self._broken)
        while left:
            together = self._together
            failure = self._round(left, deadline)
            missing = [each for number, each in enumerate(left) if number not in self._seen.answered]
            self._together = together and not missing
            if failure is None and missing and together:
                left = missing
                continue
            if failure is None:
                self._give_up(missing, "it was not answered")
                break
            self.close()
            if failure.final or self._shells >= SHELLS:
                self._broken = failure.why
                self._give_up(missing, failure.why)
                break
            self._give_up(missing[: failure.culprits], failure.why)
            left = missing[failure.culprits :]
        return not self._broken

    def _round(self, questions: Sequence[Question], deadline: float) -> _Failure | None:
        """Send one script and read its frames; return why they broke off, None when they did not."""
        self._seen.answered.clear()
        nonce = secrets.token_hex(8)
        reader: FrameReader | None = None
        began = time.monotonic()
        proven = self._channel is not None
        together = self._together
        try:
            channel = self._shell()
            with suppress(OSError):  # what ended before it had read may still have said why
                channel.send(script(questions, nonce, killed=self._killed, together=together).encode("ascii"))
            reader = FrameReader(channel, deadline)
            read_round(reader, nonce, questions, self._seen, self._redactor)
        except (AmigateError, OSError) as error:
            if self._shells == 1 and not (proven or isinstance(error, CollectionError | OSError)):
                raise  # the machine does not even let a shell be opened
            self._killed.append(nonce)
            runs = reader is not None and reader.is_greeted
            early = time.monotonic() < deadline
            broke_off = early and isinstance(error, OSError | EndedError)
            _log.debug("round trip: %d questions, broken off by %s", len(questions), type(error).__name__)
            cut = early and runs and together  # answers that wait are cut where the folder is full
            return _Failure(
                why=_why(error, runs=runs, early=broke_off),
                final=not ((broke_off or cut) and (runs or proven)),
                culprits=1 if runs and not together else 0,
            )
        answered = len(self._seen.answered)
        _log.debug("round trip: %d questions, %d answered, %.2f s", len(questions), answered, time.monotonic() - began)
        return None

    def _shell(self) -> Channel:
        if self._channel is None:
            self._shells += 1
            self._channel = self._open_shell(SHELL)
        return self._channel

    def _give_up(self, questions: Iterable[Question], why: str) -> None:
        """Note what is not answered, for whatever reason."""
        for question in questions:
            self._seen.unseen.setdefault(question.key, f"{question.key}: {why}")


@dataclass(frozen=True, kw_only=True)
class _Failure:
    """How a round broke off."""

    why: str
    final: bool
    """Another shell would fare no better."""
    culprits: int
    """How many of the missing questions are to blame: the first, where the collector ran."""


def _why(error: Exception, *, runs: bool, early: bool) -> str:
    match error:
        case EndedError() if not runs:
            return "what was to run the collector ended at once: a forced command or a login shell of its own does this"
        case AmigateError():
            return str(error)
        case TimeoutError() if runs and early:
            return "the machine stopped answering when it was asked"
        case TimeoutError():
            return "the collection did not end in time"
        case _:
            return "the connection to the machine broke"


def _wanted(needs: Sequence[Needs], view: View) -> Iterator[Question]:
    """Yield the questions that are known by now."""
    for need in needs:
        yield from need.first
        yield from _following(need, view)


def _following(need: Needs, view: View) -> Iterable[Question]:
    """Return what follows from the answers so far; a fact that cannot tell yet asks nothing more."""
    if need.then is None:
        return ()
    questions = []
    try:
        for question in need.then(view):
            questions.append(question)  # noqa: PERF402 - what came before the error stays
    except AnswerError:
        pass  # the fact will say so when a check asks it
    return questions


def _expressible(question: Question) -> bool:
    try:
        script([question], "")
    except ValueError:
        return False
    return True


def _view(seen: Seen) -> View:
    return View(
        entries=dict(seen.entries),
        absent=frozenset(seen.absent),
        globbed=frozenset(seen.globbed),
        answers=dict(seen.answers),
        unseen=dict(seen.unseen),
    )
