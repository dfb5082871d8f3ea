"""When EC2's status checks have settled."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any

import pytest

from amigate.errors import AwsError
from amigate.sources.machine import Sighting
from amigate.sources.standing import await_standing

Said = tuple[str, str, str]


def machine(*said: Said | None) -> Any:
    """Return a machine of which EC2 says one thing after the other, the last of them for ever; None is no answer."""
    left = list(said)
    now: list[Said | None] = []

    def look() -> Sighting:
        now[:] = [left.pop(0) if len(left) > 1 else left[0]]
        if now[0] is None:
            raise AwsError("throttled")
        return Sighting(state=now[0][0], address="192.0.2.1", reason="", tokens="required")

    return SimpleNamespace(look=look, status_checks=lambda: now[0][1:] if now[0] else ("", ""))


def settle(*said: Said | None, timeout_s: float = 5, impaired_s: float = 0.03) -> tuple[str, str, str]:
    found = await_standing(
        machine(*said), timeout_s=timeout_s, pause_s=0.01, cancelled=threading.Event(), impaired_s=impaired_s
    )
    return found.state, found.system, found.instance


OK = ("running", "ok", "ok")
INITIALIZING = ("running", "initializing", "initializing")
IMPAIRED = ("running", "ok", "impaired")
HOST = ("running", "impaired", "ok")
DEAD = ("terminated", "not-applicable", "not-applicable")


@pytest.mark.parametrize(
    "said,expected",
    [
        ([OK], OK),
        ([("pending", "", ""), INITIALIZING, OK], OK),
        ([INITIALIZING, None, OK], OK),
        ([IMPAIRED, OK], OK),
        ([INITIALIZING, IMPAIRED], IMPAIRED),
        ([HOST], HOST),
        ([INITIALIZING, DEAD], DEAD),
    ],
)
def test_one_waits_until_the_checks_have_settled(said: list[Said | None], expected: Said) -> None:
    assert settle(*said) == expected


@pytest.mark.parametrize("said", [INITIALIZING, ("running", "ok", "insufficient-data")])
def test_checks_that_do_not_settle_are_told_as_they_are_when_time_is_up(said: Said) -> None:
    assert settle(said, timeout_s=0.05) == said


def test_what_ec2_does_not_say_is_left_empty() -> None:
    assert settle(None, timeout_s=0.03) == ("", "", "")


def test_a_cancelled_wait_ends_at_once() -> None:
    cancelled = threading.Event()
    cancelled.set()
    found = await_standing(machine(INITIALIZING), timeout_s=3600, pause_s=3600, cancelled=cancelled)
    assert found.instance == "initializing"
