"""Launch test instances of an image and look at each from outside and from inside."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from amigate.errors import AmigateError, AwsError
from amigate.evidence.collector import collect
from amigate.evidence.model import Contact, Launch, Vantage, View, Viewpoint
from amigate.sources.console import console_host_keys, console_tail
from amigate.sources.reach import reach

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from amigate.evidence.questions import Needs
    from amigate.sources.connection import Connection
    from amigate.sources.launch import AccountRun
    from amigate.sources.machine import Machine

__all__ = ["Observation", "observe", "reach"]


@dataclass(frozen=True, kw_only=True)
class Observation:
    """What was seen of the launches."""

    views: Mapping[Viewpoint, View]
    """Per launch: an inside view, broken when the login failed, and an outside view with the Contact."""
    consoles: Mapping[str, str]
    """Tail of the serial console of each launch that could not be logged in to; harmless to print."""
    timings: Mapping[str, float]
    """Seconds per launch and phase, such as `A login`."""
    instance_seconds: float
    """Sum over the launches, until the observation ended."""


def observe(  # noqa: PLR0913 - one keyword per choice of the caller
    run: AccountRun,
    image: Mapping[str, Any],
    launches: Sequence[Launch] = (Launch.A, Launch.B),
    *,
    needs: Sequence[Needs],
    ssh_users: Sequence[str],
    ssh_port: int = 22,
    timeout_s: float = 300,
    key_wait_s: float | None = None,
    collect_s: float = 120,
    progress: Callable[[str], None] | None = None,
) -> Observation:
    """Launch all of `launches` at the same time, log in to each, collect what `needs` ask.

    `image` is an Image of DescribeImages; `progress` defaults to the run's. Raises LaunchError or AwsError
    when AWS is in the way; what the image does becomes part of the views. The first error, and
    KeyboardInterrupt, stop every launch within seconds."""
    observer = _Observer(run, image, needs, ssh_users, ssh_port, timeout_s, key_wait_s, collect_s, progress or run.say)
    with ThreadPoolExecutor(max_workers=len(launches)) as pool:
        try:
            looks = [pool.submit(observer.look, launch) for launch in launches]
            seen = [look.result() for look in as_completed(looks)]
        except BaseException:
            observer.stop()
            raise
    ended_at = time.monotonic()
    views: dict[Viewpoint, View] = {}
    for one in seen:
        views[Viewpoint(one.launch, 1, Vantage.OUTSIDE)] = View(contact=one.contact)
        views[Viewpoint(one.launch, 1, Vantage.INSIDE)] = one.inside
    return Observation(
        views=views,
        consoles={one.launch.value: one.console for one in seen if one.console},
        timings={f"{one.launch} {phase}": s for one in seen for phase, s in one.timings.items()},
        instance_seconds=round(sum(ended_at - one.machine.launched_at for one in seen), 1),
    )


@dataclass(frozen=True, kw_only=True)
class _Seen:
    launch: Launch
    machine: Machine
    contact: Contact
    inside: View
    console: str
    timings: Mapping[str, float]


@dataclass
class _Observer:
    """Looks at several launches of one image at the same time, each in a thread of its own."""

    run: AccountRun
    image: Mapping[str, Any]
    needs: Sequence[Needs]
    users: Sequence[str]
    port: int
    timeout_s: float
    key_wait_s: float | None
    collect_s: float
    say: Callable[[str], None]

    def __post_init__(self) -> None:
        self._cancelled = threading.Event()
        self._connections: list[Connection] = []

    def stop(self) -> None:
        """Make every `look` end soon, whatever it is doing."""
        self._cancelled.set()
        for connection in list(self._connections):
            connection.close()

    def look(self, launch: Launch) -> _Seen:
        """Launch one instance and see what there is to see."""
        clock = _Clock()
        machine = self.run.launch(self.image, launch.value)
        clock.lap("launch")
        contact, connection = reach(
            self.run,
            machine,
            users=self.users,
            port=self.port,
            timeout_s=self.timeout_s,
            key_wait_s=self.key_wait_s,
            cancelled=self._cancelled,
        )
        clock.lap("login")
        if connection is None:
            self.say(f"{launch}: no login after {contact.waited_s:.1f} s: {contact.detail}")
            inside = View(broken=f"nobody could log in to launch {launch}: {contact.detail}")
            tail = console_tail(_console(machine)) if not self._cancelled.is_set() else ""
        else:
            self.say(f"{launch}: logged in as {contact.user} after {contact.waited_s:.1f} s")
            inside, tail = self._collect(connection), ""
            clock.lap("collect")
            contact = _against_console(contact, machine)
            inside = _believed(inside, contact)
        return _Seen(launch=launch, machine=machine, contact=contact, inside=inside, console=tail, timings=clock.laps)

    def _collect(self, connection: Connection) -> View:
        self._connections.append(connection)
        try:
            if self._cancelled.is_set():
                return View(broken="the run was interrupted")
            return collect(connection.execute, self.needs, deadline_s=self.collect_s)
        except AmigateError as error:
            return View(broken=str(error))
        finally:
            connection.close()


class _Clock:
    """Seconds per phase."""

    def __init__(self) -> None:
        self._since = time.monotonic()
        self.laps: dict[str, float] = {}

    def lap(self, phase: str) -> None:
        now = time.monotonic()
        self.laps[phase], self._since = round(now - self._since, 3), now


def _against_console(contact: Contact, machine: Machine) -> Contact:
    """Say whether the console published the host key that the handshake proved."""
    published = console_host_keys(_console(machine))
    return replace(contact, host_key_on_console=contact.host_key in published if published else None)


def _believed(inside: View, contact: Contact) -> View:
    """Return what was seen inside, unless the console says that it was seen on another machine."""
    if contact.host_key_on_console is not False:
        return inside
    return View(
        broken=f"the host key that answered ({contact.host_key}) is none of those on the instance's console, "
        "so another machine may have answered"
    )


def _console(machine: Machine) -> str:
    try:
        return machine.console()
    except AwsError:
        return ""  # a console that cannot be read publishes nothing
