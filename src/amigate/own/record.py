"""Recording what a user's tests ask of a running machine: they run once against it, and their decisions are discarded.

Afterwards they are judged from evidence like every other rule. What goes wrong here costs answers, never the run."""

from __future__ import annotations

import base64
import json
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

from amigate.check import InconclusiveError
from amigate.evidence import codec
from amigate.evidence.model import Vantage, View, Viewpoint
from amigate.judge.process import START_LIMIT_S, parsed
from amigate.judge.worker import Worker
from amigate.own.backend import key_of, recorded
from amigate.own.groups import groups
from amigate.own.process import MODULE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from amigate.check import Settings
    from amigate.evidence.model import Answer, Contact, Evidence, Launch
    from amigate.judge.places import Place
    from amigate.own.groups import Group
    from amigate.own.tests import OwnTest

LIMIT_S = 120.0
"""How long one test may take on a running machine."""
TOTAL_S = 900.0
"""How long all of them may take on one launch."""
MOST_ANSWERS = 4000
MOST_BYTES = 32 * 1024 * 1024
"""Most of all answers of one launch."""
MARGIN_S = 90.0
"""How long a process may be silent beyond a test's limit: a command that was asked last may still take its own time."""


class Recorder:
    """Runs the user's tests against the launches of a run; a context manager.

    Entering starts a process for each launch and entry, which collects the tests while the instance boots."""

    def __init__(
        self,
        tests: Sequence[OwnTest],
        where: Mapping[str, Sequence[Place]],
        settings: Mapping[str, Settings],
        evidence: Evidence,
    ) -> None:
        self._groups = [group for group in groups(tests, where) if group.launch is not None]
        self._settings, self._evidence = settings, evidence
        self._workers: list[tuple[Group, Worker]] = []

    def __enter__(self) -> Self:
        for group in self._groups:
            worker = Worker(MODULE)
            self._workers.append((group, worker))
            worker.order(group.order(self._settings, limit_s=LIMIT_S, live=True))
        return self

    def __exit__(self, *_: object) -> None:
        for _group, worker in self._workers:
            worker.close()

    def record(
        self,
        launch: Launch,
        inside: View,
        contact: Contact,
        ask: Callable[[str, str], View],
        is_cancelled: Callable[[], bool],
    ) -> None:
        """Run the tests about `launch`, of which `inside` and `contact` were seen.

        `ask` runs a command line as root and returns the view with the answer in it, under the key that it is given.
        It is asked one thing after the other."""
        views = {
            Viewpoint(launch, 1, Vantage.INSIDE): inside,
            Viewpoint(launch, 1, Vantage.OUTSIDE): View(contact=contact),
        }
        text = codec.dump(replace(self._evidence, views=views)).encode("ascii")
        budget = _Budget()
        for group, worker in self._workers:
            if group.launch is launch:
                worker.write(text)
                _serve(worker, group, budget, ask, is_cancelled)


class _Budget:
    """What is left of the limits of one launch."""

    def __init__(self) -> None:
        self._until = time.monotonic() + TOTAL_S
        self._answers, self._bytes = MOST_ANSWERS, MOST_BYTES

    def require(self) -> None:
        """Raise InconclusiveError when nothing is left."""
        if self._answers <= 0 or self._bytes <= 0 or time.monotonic() > self._until:
            raise InconclusiveError("your tests ask more of a launch than is recorded")

    def spend(self, answer: Answer) -> None:
        """Take an answer away."""
        self._answers -= 1
        self._bytes -= len(answer.stdout) + len(answer.stderr)


def _serve(
    worker: Worker,
    group: Group,
    budget: _Budget,
    ask: Callable[[str, str], View],
    is_cancelled: Callable[[], bool],
) -> None:
    """Answer what a process asks until it has ended, hangs, or the run is over."""
    for line in worker.lines(start_s=START_LIMIT_S, silence_s=LIMIT_S + MARGIN_S, is_cancelled=is_cancelled):
        row = parsed(line)
        number, command = row.get("ask"), row.get("command")
        if isinstance(number, int) and isinstance(command, str):
            worker.write(json.dumps(_answer(group.entry, number, command, budget, ask)).encode("ascii"))
    worker.end_input()


def _answer(entry: str, number: int, command: str, budget: _Budget, ask: Callable[[str, str], View]) -> dict[str, Any]:
    """Return the answer as the process reads it, the same as it will be told when it is judged."""
    try:
        budget.require()
        answer = recorded(ask(key_of(entry, number, command), _in_one_piece(command)), entry, number, command)
    except InconclusiveError as error:
        return {"unseen": str(error)}
    budget.spend(answer)
    streams = {name: base64.b64encode(getattr(answer, name)).decode("ascii") for name in ("stdout", "stderr")}
    return {"exit_code": answer.exit_code, **streams}


def _in_one_piece(command: str) -> str:
    """Return the command without line feeds at its end, which a shell cannot be handed and does not miss."""
    whole = command.rstrip("\n")
    return command if whole.endswith("\\") else whole
