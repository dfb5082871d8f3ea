"""A timer on the test instance that powers it off, should nobody come back for it: best effort.

An instance that powers off is terminated. What is guaranteed is the expiry tag, and `amigate reap`."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from amigate.errors import ConnectionFailedError
from amigate.evidence.keep import Keep
from amigate.evidence.questions import Needs, Run

if TYPE_CHECKING:
    from amigate.evidence.model import View
    from amigate.sources.connection import Connection

ANSWER_S = 15.0
"""Longest that this may hold up a run."""
ANSWER_CAP_BYTES = 4096
ARMED = "amigate-timer-armed"
TIMER = "shutdown timer"
"""How the question is named while it is asked with others."""

# systemd's shutdown returns at once and keeps the time itself; that of sysvinit stays in the foreground, and busybox
# has none, so everywhere else a sleep of our own does. It holds none of the login's files, or the login would not end.
SCRIPT = """\
exec 2>/dev/null </dev/null
root=
if [ "$(id -u)" != 0 ]; then
    if sudo -n true; then root='sudo -n'; elif doas -n true; then root='doas -n'; else exit 1; fi
fi
if [ -d /run/systemd/system ] && $root shutdown -P +{minutes} >/dev/null; then echo {armed}; exit 0; fi
(cd / && exec $root sh -c '
    trap "" HUP
    sleep {seconds}
    poweroff || shutdown -P now || shutdown -h now || halt -p || busybox poweroff || poweroff -f
' >/dev/null &) && echo {armed}
"""


def timer(minutes: int) -> Needs:
    """Return the question that arms it, to be asked first of a collection: it costs no round trip of its own."""
    script = _script(minutes).strip()
    return Needs(first=(Run(TIMER, script, Keep.ANSWER, timeout_s=int(ANSWER_S), cap_bytes=ANSWER_CAP_BYTES),))


def taken_out(view: View) -> tuple[View, bool]:
    """Return what was collected without the timer, which is no evidence, and whether it is armed."""
    answer = view.answers.get(TIMER)
    answers = {key: each for key, each in view.answers.items() if key != TIMER}
    unseen = {key: why for key, why in view.unseen.items() if key != TIMER}
    armed = answer is not None and ARMED.encode() in answer.stdout
    return replace(view, answers=answers, unseen=unseen), armed


def arm_shutdown(connection: Connection, minutes: int) -> str | None:
    """Have the machine power itself off in `minutes`; return None once it will, else why it may not.

    For where the collector could not run: this one does not need it. One round trip of at most 15 s; what the
    machine says beside the one word is not read on."""
    try:
        channel = connection.execute(_script(minutes))
    except ConnectionFailedError as error:
        return f"no shutdown timer could be armed: {error}"
    said = b""
    deadline = time.monotonic() + ANSWER_S
    try:
        while ARMED.encode() not in said and len(said) < ANSWER_CAP_BYTES:
            data = channel.receive(deadline - time.monotonic()) if time.monotonic() < deadline else b""
            if not data:
                return (
                    "no shutdown timer could be armed: the login user cannot become root, or the machine has no timer"
                )
            said += data
    except OSError:
        return "no shutdown timer could be armed: the machine did not answer in time"
    finally:
        channel.close()
    return None if ARMED.encode() in said else "no shutdown timer could be armed: the machine says too much"


def _script(minutes: int) -> str:
    minutes = max(1, minutes)
    return SCRIPT.format(minutes=minutes, seconds=60 * minutes, armed=ARMED)
