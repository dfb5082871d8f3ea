"""What is said of an instance that never gets as far as a login."""

from __future__ import annotations

import socket
import threading
import time
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest

from amigate.evidence.model import Contact, Outcome
from amigate.sources import reach as reach_module
from amigate.sources.login_key import LoginKey, make_login_key
from amigate.sources.machine import Sighting
from amigate.sources.reach import SHUT_ITSELF_DOWN, reach

if TYPE_CHECKING:
    from amigate.sources.launch import AccountRun
    from amigate.sources.machine import Machine

RUN = cast("AccountRun", SimpleNamespace(pause_s=0.01, aws=SimpleNamespace(sandbox=False)))


def sighting(state: str, *, reason: str = "", address: str = "127.0.0.1") -> Sighting:
    return Sighting(state=state, address=address, reason=reason)


@dataclass
class Seen:
    """A machine that EC2 sees like this, one sighting after the other; the last one lasts."""

    sightings: list[Sighting]
    key: LoginKey = field(default_factory=make_login_key)
    instance_id: str = "i-0123456789abcdef0"
    launched_at: float = field(default_factory=time.monotonic)

    def look(self) -> Sighting:
        return self.sightings.pop(0) if len(self.sightings) > 1 else self.sightings[0]


def contact(sightings: list[Sighting], timeout_s: float = 1, cancelled: threading.Event | None = None) -> Contact:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        machine = cast("Machine", Seen(sightings))
        found, connection = reach(RUN, machine, users=["admin"], port=port, timeout_s=timeout_s, cancelled=cancelled)
    assert connection is None
    return found


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reach_module, "FASTEST_LOOK_S", 0.05)


def test_an_instance_that_runs_and_refuses_is_closed() -> None:
    found = contact([sighting("pending", address=""), sighting("running")])
    assert found.outcome is Outcome.CLOSED
    assert found.waited_s >= 1


def test_an_instance_that_never_runs_is_silence() -> None:
    found = contact([sighting("pending", address="")], timeout_s=0.2)
    assert (found.outcome, found.detail) == (Outcome.SILENT, "EC2 has the instance pending after 0 s")


def test_an_instance_that_aws_ended_before_it_ran_is_silence_with_the_reason() -> None:
    found = contact([sighting("pending"), sighting("terminated", reason="Server.InternalError")])
    assert found.outcome is Outcome.SILENT
    assert found.detail == "the instance was terminated (Server.InternalError) before anybody could log in"


def test_an_instance_that_aws_ends_while_it_boots_is_silence_and_is_not_waited_for() -> None:
    found = contact([sighting("running"), sighting("shutting-down", reason="Server.SpotInstanceTermination")], 60)
    assert found.outcome is Outcome.SILENT
    assert "Server.SpotInstanceTermination" in found.detail
    assert found.waited_s < 5


def test_an_instance_that_shuts_itself_down_is_closed() -> None:
    found = contact([sighting("running"), sighting("stopped", reason=SHUT_ITSELF_DOWN)], 60)
    assert found.outcome is Outcome.CLOSED
    assert found.detail == "the instance shut itself down before anybody could log in"


@pytest.mark.parametrize("sightings", [[sighting("pending", address="")], [sighting("running")]])
def test_cancelling_ends_within_a_second(sightings: list[Sighting]) -> None:
    cancelled = threading.Event()
    timer = threading.Timer(0.2, cancelled.set)
    timer.start()
    started = time.monotonic()
    contact(sightings, 60, cancelled)
    timer.join()
    assert time.monotonic() - started < 1.5
