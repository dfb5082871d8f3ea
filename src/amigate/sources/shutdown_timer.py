"""A timer on the test instance that powers it off, should nobody come back for it: best effort.

An instance that powers off is terminated. What is guaranteed is the expiry tag, and `amigate reap`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from amigate.errors import ConnectionFailedError

if TYPE_CHECKING:
    from amigate.sources.connection import Connection

ANSWER_S = 15.0
"""Longest that this may hold up a run."""
ANSWER_CAP_BYTES = 4096
ARMED = "amigate-timer-armed"

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


def arm_shutdown(connection: Connection, minutes: int) -> str | None:
    """Have the machine power itself off in `minutes`; return None once it will, else why it may not.

    One round trip of at most 15 s; what the machine says beside the one word is not read on."""
    minutes = max(1, minutes)
    script = SCRIPT.format(minutes=minutes, seconds=60 * minutes, armed=ARMED)
    try:
        channel = connection.execute(script)
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
