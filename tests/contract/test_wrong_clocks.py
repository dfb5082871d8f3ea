"""Machines whose clock is years off: what compares times is right or undecided, and nothing else notices.

The clock of every program on the machine, sshd and sudo too, is libfaketime's; uptime is the kernel's."""

from __future__ import annotations

import calendar
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from amigate.check import InconclusiveError
from amigate.evidence.collector import collect
from amigate.evidence.redaction.redactor import Redactor
from amigate.facts import host_keys, sshd
from amigate.facts.host_keys import HostKeys
from amigate.sources.shutdown_timer import taken_out, timer

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.contract.conftest import Machines

    from amigate.evidence.model import View

    Look = Callable[..., View]

KEY = "etc/ssh/ssh_host_ed25519_key"
CLOCKS = {
    "ten minutes after the epoch": "1970-01-01 00:10:00",
    "before this code was written": "2006-05-04 03:02:01",
    "twenty years ahead": f"{time.gmtime().tm_year + 20}-01-01 00:00:00",
    "after 31 bits": "2038-01-19 03:14:08",
    "after 32 bits": "2106-02-07 06:28:16",
}


def seconds(clock: str) -> int:
    return calendar.timegm(time.strptime(clock, "%Y-%m-%d %H:%M:%S"))


@pytest.fixture
def look(machines: Machines) -> Look:
    """Return what sees a machine by its clock, with a host key of an age by that clock, or by the right one."""
    [library] = Path("/usr/lib").glob("*/faketime/libfaketime.so.1")

    def seen(clock: str, *, age_s: int | None = None) -> View:
        spoil = f"cp {library} usr/lib/libfaketime.so.1; echo '@{clock}' >etc/faketimerc; "
        spoil += f"touch -d @{int(time.time()) if age_s is None else seconds(clock) - age_s} {KEY}; "
        spoil += "echo /usr/lib/libfaketime.so.1 >etc/ld.so.preload"
        with machines(extra=spoil) as machine, closing(machine.log_in()) as connection:
            needs = [timer(77), sshd.NEEDS, host_keys.NEEDS]
            view, armed = taken_out(collect(connection.execute, needs, redactor=Redactor()))
        assert armed
        return view

    return seen


def uptime_s() -> int:
    return int(float(Path("/proc/uptime").read_text(encoding="ascii").split()[0]))


@pytest.mark.parametrize("clock", CLOCKS.values(), ids=CLOCKS)
def test_a_host_key_made_at_boot_is_new_by_whatever_clock(look: Look, clock: str) -> None:
    found = HostKeys.read(look(clock, age_s=0))
    assert abs(found.now_s - seconds(clock)) < 60
    assert found.older_than_this_boot() == []


@pytest.mark.parametrize("clock", CLOCKS.values(), ids=CLOCKS)
def test_a_host_key_made_before_the_boot_is_old_by_whatever_clock(look: Look, clock: str) -> None:
    [finding] = HostKeys.read(look(clock, age_s=uptime_s() + 60)).older_than_this_boot()
    assert finding.path == f"/{KEY}"


@pytest.mark.parametrize("clock", CLOCKS.values(), ids=CLOCKS)
def test_a_host_key_from_another_clock_is_never_new(look: Look, clock: str) -> None:
    """It was made by a clock that was right: on a machine that is behind it is from the future."""
    found = HostKeys.read(look(clock))
    if seconds(clock) < time.time():
        with pytest.raises(InconclusiveError, match="from the future"):
            found.older_than_this_boot()
    else:
        assert len(found.older_than_this_boot()) == 1


def test_a_clock_before_the_epoch_is_undecided(machines: Machines) -> None:
    date = r"printf '#!/bin/sh\necho -315619200\n' >usr/bin/date; chmod 755 usr/bin/date"
    with machines(extra=date) as machine, closing(machine.log_in()) as connection:
        view = collect(connection.execute, [sshd.NEEDS, host_keys.NEEDS], redactor=Redactor())
    with pytest.raises(InconclusiveError, match="clock"):
        HostKeys.read(view)
