"""Signals end a run once, and never its cleaning up."""

from __future__ import annotations

import signal
import threading

import pytest

from amigate.sources.interrupts import ENDING, interrupts


@pytest.mark.parametrize("number", ENDING)
def test_each_ending_signal_interrupts(number: signal.Signals) -> None:
    with pytest.raises(KeyboardInterrupt), interrupts(lambda _: None, ""):
        signal.raise_signal(number)


def test_only_the_first_signal_interrupts_and_later_ones_are_answered() -> None:
    said: list[str] = []
    with interrupts(said.append, "wait"):
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGHUP)
    assert said == ["wait", "wait"]


def test_a_signal_after_hold_interrupts_nothing() -> None:
    said: list[str] = []
    with interrupts(said.append, "wait") as held:
        held.hold()
        signal.raise_signal(signal.SIGINT)
    assert said == ["wait"]


def test_the_handlers_of_before_are_back_afterwards() -> None:
    before = [signal.getsignal(number) for number in ENDING]
    with interrupts(lambda _: None, ""):
        assert [signal.getsignal(number) for number in ENDING] != before
    assert [signal.getsignal(number) for number in ENDING] == before


def test_a_signal_that_is_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with interrupts(lambda _: None, ""):
            signal.raise_signal(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_another_thread_changes_nothing() -> None:
    before = signal.getsignal(signal.SIGINT)
    seen = []

    def elsewhere() -> None:
        with interrupts(lambda _: None, ""):
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert seen == [before]
