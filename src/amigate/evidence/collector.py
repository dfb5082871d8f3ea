"""Collecting a view of a running machine: a few rounds of questions through one root shell."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING

from amigate.check import InconclusiveError
from amigate.errors import CollectionError
from amigate.evidence.frames import FrameReader, Seen, read_round
from amigate.evidence.model import View
from amigate.evidence.script import SHELL, script

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from amigate.evidence.channel import Channel
    from amigate.evidence.questions import Needs, Question
    from amigate.evidence.redaction.redactor import Redactor

ROUNDS = 6
"""Most round trips of one collection; the shipped facts need four."""


def collect(
    open_shell: Callable[[str], Channel],
    needs: Sequence[Needs],
    *,
    redactor: Redactor | None,
    deadline_s: float = 120.0,
) -> View:
    """Return what `needs` ask for, seen from inside.

    `open_shell` starts a command line on the machine. `redactor` decides what is kept, before anybody sees it; None
    keeps everything, and is for whoever changes the machine and keeps no evidence. Whatever the machine does, the
    result is a view: what it did not answer is `unseen`, and a machine on which the collector cannot run at all gives
    a broken view."""
    deadline = time.monotonic() + deadline_s
    seen = Seen(entries={}, absent=set(), globbed=set(), answers={}, unseen={}, answered=set())
    asked: set[Question] = set()
    channel: Channel | None = None
    try:
        channel = open_shell(SHELL)
        for _ in range(ROUNDS):
            questions = _next(needs, _view(seen), asked, seen)
            if not questions:
                break
            asked.update(questions)
            _round(channel, questions, seen, redactor, deadline)
    except (CollectionError, OSError) as error:
        if not (seen.entries or seen.answers):
            return View(broken=_why(error))
    finally:
        if channel is not None:
            channel.close()
    return _view(seen)


def _round(
    channel: Channel, questions: Sequence[Question], seen: Seen, redactor: Redactor | None, deadline: float
) -> None:
    """Ask one round; whatever is not answered, for whatever reason, is unseen."""
    nonce = secrets.token_hex(8)
    seen.answered.clear()
    why = "it was not answered"
    try:
        channel.send(script(questions, nonce).encode("ascii"))
        read_round(FrameReader(channel, deadline), nonce, questions, seen, redactor)
    except (CollectionError, OSError) as error:
        why = _why(error)
        raise
    finally:
        for number, question in enumerate(questions):
            if number not in seen.answered:
                seen.unseen.setdefault(question.key, f"{question.key}: {why}")


def _why(error: Exception) -> str:
    match error:
        case CollectionError():
            return str(error)
        case TimeoutError():
            return "the collection did not end in time"
        case _:
            return "the connection to the machine broke"


def _next(needs: Sequence[Needs], view: View, asked: set[Question], seen: Seen) -> list[Question]:
    """Return the questions that are known by now and were not asked yet, each once."""
    wanted: dict[Question, None] = {}
    for need in needs:
        for question in (*need.first, *_following(need, view)):
            if question in asked or question in wanted:
                continue
            if _expressible(question):
                wanted[question] = None
            else:
                seen.unseen[question.key] = f"{question.key!r} cannot be asked for in a shell"
    return list(wanted)


def _following(need: Needs, view: View) -> Iterable[Question]:
    """Return what follows from the answers so far; a fact that cannot tell yet asks nothing more."""
    if need.then is None:
        return ()
    questions = []
    try:
        for question in need.then(view):
            questions.append(question)  # noqa: PERF402 - what came before the error stays
    except InconclusiveError:
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
