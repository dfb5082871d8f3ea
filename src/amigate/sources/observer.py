"""One launch of an image, looked at in the order that the plan gives: inside, as a stranger, after a reboot."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from amigate.check import AnswerError, Look
from amigate.errors import AmigateError, AwsError, ConnectionFailedError, LaunchError
from amigate.evidence.collector import Collector
from amigate.evidence.keep import Keep
from amigate.evidence.model import Contact, Launch, Offer, Outcome, Standing, Vantage, View, Viewpoint
from amigate.evidence.questions import Run
from amigate.evidence.redaction.redactor import Redactor
from amigate.sources.console import console_tail
from amigate.sources.identity import against_console, believed, console_of, with_console
from amigate.sources.observation import Clock, Manner, Questions, Seen
from amigate.sources.reach import await_address, reach
from amigate.sources.shutdown_timer import arm_shutdown, taken_out, timer
from amigate.sources.standing import await_standing
from amigate.sources.stranger import offers, strangers

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from amigate.evidence.questions import Needs
    from amigate.plan import Plan
    from amigate.sources.connection import Connection
    from amigate.sources.launch import AccountRun
    from amigate.sources.machine import Machine

GOING_DOWN_S = 30.0
"""How long the login from before a reboot is watched for its end; afterwards a new one finds out which boot it is."""
REBOOTED_PAUSE_S = 2.0
FURTHER_S = 20
"""How long one command that was not foreseen may take."""
FURTHER_MARGIN_S = 60
"""How much longer the shell may take, or a new one, should the last command have ended it."""
FURTHER_CAP_BYTES = 1024 * 1024
"""Most of one stream of its answer."""
STRANGER_S = 60.0
"""How long a server that has answered before may take to answer a stranger."""


class Observer:
    """Looks at the launches of one image; `look` is called in a thread for each of them.

    One redactor for all of them: its key tells like from unlike across launches, and goes with the observer."""

    def __init__(  # noqa: PLR0913, PLR0917 - the parts of one observation
        self,
        run: AccountRun,
        image: Mapping[str, Any],
        plan: Plan,
        questions: Questions,
        manner: Manner,
        say: Callable[[str], None],
    ) -> None:
        self._run, self._image, self._plan, self._say = run, image, plan, say
        self._questions, self._manner = questions, manner
        self._redactor = Redactor()
        self._cancelled = threading.Event()
        self._connections: list[Connection] = []
        self._login_user = ""
        self._login_known = threading.Event()

    def stop(self) -> None:
        """Make every `look` end soon, whatever it is doing."""
        self._cancelled.set()
        self._login_known.set()
        for connection in list(self._connections):
            connection.close()

    def look(self, launch: Launch) -> Seen:
        """Launch one instance and see what there is to see.

        Where AWS or a jump host is in the way, what was not seen until then is broken; what was seen is not lost."""
        threading.current_thread().name = f"launch {launch}"  # which the log shows
        clock = Clock()
        seen = Seen(launch=launch, laps=clock.laps, spans=clock.spans)
        try:
            seen.launched = self._run.launch(self._image, launch.value, keyless=launch is Launch.KEYLESS)
            clock.lap("launch")
            if launch is Launch.KEYLESS:
                self._look_as_stranger(seen, clock)
            else:
                self._look_inside(seen, clock)
        except (AwsError, ConnectionFailedError, LaunchError) as error:
            self._break_off(seen, error)
        finally:
            if launch is self._plan.last:  # nobody waits for it any longer
                self._login_known.set()
        return seen

    def _break_off(self, seen: Seen, error: AmigateError) -> None:
        reason = f"launch {seen.launch}: {error}" + (f" ({error.hint})" if error.hint else "")
        if not self._cancelled.is_set():
            self._say(reason)
        for viewpoint in self._plan.viewpoints():
            if viewpoint.launch is seen.launch:
                seen.views.setdefault(viewpoint, View(broken=reason))

    def _look_inside(self, seen: Seen, clock: Clock) -> None:
        contact, connection = self._reach(seen.machine)
        clock.lap("login")
        seen.ready_at = time.monotonic()
        if connection is not None:
            self._login_user = contact.user
        if connection is not None or seen.launch is self._plan.last:
            self._login_known.set()
        try:
            contact = self._collect_first(seen, contact, connection, clock)
            outside = View(contact=contact)
            last = seen.launch is self._plan.last
            if last and Look.STRANGER in self._plan.looks:
                outside = replace(outside, offers=self._offers_after(contact))
                clock.lap("stranger")
            outside = replace(outside, standing=self._standing(seen, clock))
            if Look.CONSOLE in self._plan.looks and not self._cancelled.is_set():
                outside = with_console(outside, seen.machine)
            seen.views[Viewpoint(seen.launch, 1, Vantage.OUTSIDE)] = outside
            if last and Look.REBOOT in self._plan.looks:
                self._look_after_reboot(seen, outside, connection, clock)
        finally:
            if connection is not None:
                connection.close()

    def _collect_first(self, seen: Seen, contact: Contact, connection: Connection | None, clock: Clock) -> Contact:
        """Collect what there is inside; return the contact with what the console says of its host key."""
        key = Viewpoint(seen.launch, 1, Vantage.INSIDE)
        if connection is None:
            self._say(f"{seen.launch}: no login after {contact.waited_s:.1f} s: {contact.detail}")
            seen.views[key] = View(broken=f"nobody could log in to launch {seen.launch}: {contact.detail}")
            seen.console = console_tail(console_of(seen.machine)) if not self._cancelled.is_set() else ""
            return contact
        self._say(f"{seen.launch}: logged in as {contact.user} after {contact.waited_s:.1f} s")
        with Collector(connection.execute, self._redactor) as collector:
            inside, problem = self._collect(collector, connection, self._questions.needs)
            if problem:
                self._say(f"{seen.launch}: {problem}")
            clock.lap("collect")
            inside = self._ask_further(seen.launch, contact, collector, inside, clock)
        contact = against_console(contact, seen.machine)
        seen.views[key] = believed(inside, contact)
        return contact

    def _look_after_reboot(self, seen: Seen, before: View, connection: Connection | None, clock: Clock) -> None:
        outside, inside = (Viewpoint(seen.launch, 2, vantage) for vantage in (Vantage.OUTSIDE, Vantage.INSIDE))
        first = seen.views[Viewpoint(seen.launch, 1, Vantage.INSIDE)]
        if connection is None or first.broken:
            reason = "launch " + seen.launch + " was not rebooted, because nothing could be seen inside it before"
            seen.views[outside] = seen.views[inside] = View(broken=reason)
            return
        self._say(f"{seen.launch}: rebooting")
        try:
            seen.machine.reboot()
        except AwsError as error:
            seen.views[outside] = seen.views[inside] = View(broken=str(error))
            return
        contact, seen.views[inside] = self._log_in_again(seen, first, connection)
        clock.lap("reboot")
        seen.views[outside] = View(contact=contact, standing=self._standing(seen, clock) if before.standing else None)

    def _log_in_again(self, seen: Seen, first: View, connection: Connection) -> tuple[Contact, View]:
        """Log in until it is another boot that answers, or time is up; collect what is compared."""
        until = time.monotonic() + self._manner.timeout_s
        self._await_end(connection)
        needs = self._questions.after_reboot(first)
        while True:
            timeout_s = max(until - time.monotonic(), 1.0)
            contact, again = self._reach(seen.machine, users=[connection.user], timeout_s=timeout_s)
            seen.ready_at = time.monotonic()
            if again is None:
                self._say(f"{seen.launch}: no login after the reboot: {contact.detail}")
                return contact, View(broken=f"nobody could log in after the reboot: {contact.detail}")
            try:
                with Collector(again.execute, self._redactor) as collector:
                    view, _ = self._collect(collector, again, needs)  # the reboot ended the first timer
            finally:
                again.close()
            if self._is_new_boot(first, view) or time.monotonic() > until or self._cancelled.is_set():
                self._say(f"{seen.launch}: logged in again after the reboot")
                contact = against_console(contact, seen.machine)
                return contact, view
            self._cancelled.wait(REBOOTED_PAUSE_S)

    def _is_new_boot(self, first: View, view: View) -> bool:
        try:
            return self._questions.boot(first) != self._questions.boot(view)
        except AnswerError:  # it broke while it was going down, or will never say
            return False

    def _await_end(self, connection: Connection) -> None:
        deadline = time.monotonic() + GOING_DOWN_S
        while connection.is_alive and time.monotonic() < deadline and not self._cancelled.wait(0.1):
            pass
        connection.close()

    def _look_as_stranger(self, seen: Seen, clock: Clock) -> None:
        """See a launch without a key from outside, once another launch has shown who the default user is."""
        outside = Viewpoint(seen.launch, 1, Vantage.OUTSIDE)
        until = time.monotonic() + self._manner.timeout_s
        sighting = await_address(self._run, seen.machine, until, self._cancelled)
        self._login_known.wait(self._manner.timeout_s)
        if sighting.is_gone or not sighting.address:
            seen.views[outside] = View(broken=f"EC2 has the launch without a key {sighting.state}")
            return
        found = self._offers(sighting.address, alive=False, user=self._login_user)
        if not self._login_user:
            found += (Offer(user="default", unseen="nobody logged in, so the default user is not known"),)
        seen.ready_at = time.monotonic()
        clock.lap("stranger")
        seen.views[outside] = View(offers=found, standing=self._standing(seen, clock))

    def _reach(
        self, machine: Machine, *, users: Sequence[str] = (), timeout_s: float | None = None
    ) -> tuple[Contact, Connection | None]:
        contact, connection = reach(
            self._run,
            machine,
            users=users or self._manner.ssh_users,
            port=self._manner.ssh_port,
            timeout_s=self._manner.timeout_s if timeout_s is None else timeout_s,
            key_wait_s=self._manner.key_wait_s,
            cancelled=self._cancelled,
            jump=self._manner.jump,
        )
        if connection is not None:
            self._connections.append(connection)
        return contact, connection

    def _collect(self, collector: Collector, connection: Connection, needs: Sequence[Needs]) -> tuple[View, str]:
        """Arm the timer and collect; return what was seen, and why the machine may not end by itself if so."""
        if self._cancelled.is_set():
            return View(broken="the run was interrupted"), ""
        minutes = self._run.minutes_left
        try:
            view = collector.collect((timer(minutes), *needs), deadline_s=self._manner.collect_s)
        except AmigateError as error:
            view = View(broken=str(error))
        view, armed = taken_out(view)
        if armed or self._cancelled.is_set():
            return view, ""
        collector.close()  # the server may allow one session at a time; more can be asked through a new shell
        return view, arm_shutdown(connection, minutes) or ""

    def _ask_further(self, launch: Launch, contact: Contact, collector: Collector, inside: View, clock: Clock) -> View:
        """Ask what was not foreseen, through the shell that has collected; return the view with the answers."""
        further = self._questions.further
        if further is None or inside.broken:
            return inside

        def ask(key: str, command: str) -> View:
            question = Run(key, command, Keep.ANSWER, timeout_s=FURTHER_S, cap_bytes=FURTHER_CAP_BYTES)
            return collector.ask([question], deadline_s=FURTHER_S + FURTHER_MARGIN_S)

        further(launch, inside, contact, ask, self._cancelled.is_set)
        clock.lap("own checks")
        return taken_out(collector.view)[0]

    def _offers_after(self, contact: Contact) -> tuple[Offer, ...]:
        """Ask a server that has answered; one that has not in all that time is not waited for again."""
        if contact.outcome in {Outcome.SILENT, Outcome.CLOSED}:
            return tuple(Offer(user=user, unseen=contact.detail) for user in strangers(contact.user))
        return self._offers(contact.address, alive=True, user=contact.user)

    def _offers(self, address: str, *, alive: bool, user: str) -> tuple[Offer, ...]:
        return offers(
            address,
            self._manner.ssh_port,
            users=strangers(user),
            timeout_s=STRANGER_S if alive else self._manner.timeout_s,
            cancelled=self._cancelled,
            forwarded=self._run.aws.sandbox,
            alive=alive,
            jump=self._manner.jump,
        )

    def _standing(self, seen: Seen, clock: Clock) -> Standing | None:
        if Look.STATUS not in self._plan.looks:
            return None
        found = await_standing(
            seen.machine, timeout_s=self._manner.status_s, pause_s=self._run.pause_s, cancelled=self._cancelled
        )
        clock.lap("status")
        return found
