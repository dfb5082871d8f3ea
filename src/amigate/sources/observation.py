"""What is asked of a launch, in which manner it is reached, and what is seen of it: the terms of an observation."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from amigate.evidence.model import Contact, Launch, View, Viewpoint
    from amigate.evidence.questions import Needs
    from amigate.sources.machine import Machine
    from amigate.sources.tunnel import JumpHost

_log = logging.getLogger(__name__)


class Further(Protocol):
    """Asks what nobody could foresee, command by command."""

    def __call__(
        self,
        launch: Launch,
        inside: View,
        contact: Contact,
        ask: Callable[[str, str], View],
        is_cancelled: Callable[[], bool],
    ) -> None:
        """Ask `ask` for the answer to a command line, by a key; it is in the view that comes back, and stays there."""


@dataclass(frozen=True, kw_only=True)
class Questions:
    """What is asked of a machine."""

    needs: Sequence[Needs]
    after_reboot: Callable[[View], Sequence[Needs]] = lambda _: ()
    """What is asked after a reboot, by what was seen before it."""
    boot: Callable[[View], str] = lambda _: ""
    """Which boot a view was taken in; raises AnswerError where that cannot be told."""
    further: Further | None = None
    """Asks more of a launch whose inside was collected, before anything is done to it."""


@dataclass(frozen=True, kw_only=True)
class Manner:
    """How machines are reached, and how long one waits for them."""

    ssh_users: Sequence[str]
    ssh_port: int = 22
    jump: JumpHost | None = None
    """The host to go through; None: straight to the machine."""
    timeout_s: float = 300
    """Until a login works, after the launch and again after a reboot."""
    key_wait_s: float | None = None
    """How long a key that was refused may still be on its way (default: as long as there is time)."""
    collect_s: float = 480
    """For all of a collection, the end of first-boot provisioning included."""
    status_s: float = 600
    """Until EC2's status checks have passed, after the last look."""


@dataclass(kw_only=True)
class Seen:
    """What was seen of one launch."""

    launch: Launch
    launched: Machine | None = None
    """None when it could not be launched."""
    views: dict[Viewpoint, View] = field(default_factory=dict)
    console: str = ""
    """The tail of the console, when nobody could log in; harmless to print."""
    laps: dict[str, float] = field(default_factory=dict)
    """Seconds per phase."""
    spans: list[tuple[str, float, float]] = field(default_factory=list)
    """Phase, begin and end, by time.monotonic()."""
    ready_at: float = 0.0
    """time.monotonic() of the last moment at which there was something new to look at."""

    @property
    def machine(self) -> Machine:
        """The machine, of a launch that was made."""
        assert self.launched is not None, "nothing is looked at without one"
        return self.launched


class Clock:
    """Seconds per phase; a phase that comes twice counts both."""

    def __init__(self) -> None:
        self._since = time.monotonic()
        self.laps: dict[str, float] = {}
        self.spans: list[tuple[str, float, float]] = []
        """Phase, begin and end, by time.monotonic()."""

    def lap(self, phase: str) -> None:
        """Count the seconds since the last call to `phase`."""
        now = time.monotonic()
        _log.debug("phase %s: %.1f s", phase, now - self._since)
        self.laps[phase] = round(self.laps.get(phase, 0.0) + now - self._since, 3)
        self.spans.append((phase, self._since, now))
        self._since = now
