"""How a child ended that did not answer."""

from __future__ import annotations

import os
import signal
from enum import StrEnum
from typing import TYPE_CHECKING

from amigate.disk.blocks import IncompleteError

if TYPE_CHECKING:
    from amigate.disk.child.limits import Limits

_GIBIBYTE = 1 << 30
_MEBIBYTE = 1 << 20


class Ending(StrEnum):
    """What ended a child, or made its parent end it."""

    MEMORY = "memory"
    PROCESSOR_TIME = "processor time"
    TIME = "time"
    SIGNAL = "signal"
    EXIT = "exit"
    FAILED = "failed"
    """The work raised what it should not: a bug of ours, or an image that found one."""
    MALFORMED = "malformed"
    REQUESTS = "requests"
    ANSWER = "answer"
    CANCELLED = "cancelled"


class EndedError(IncompleteError):
    """The process that reads the image did not get to an answer."""

    def __init__(self, how: Ending, what: str) -> None:
        super().__init__(f"the process that reads the image {what}")
        self.how = how


def memory(limits: Limits) -> EndedError:
    """Return what is raised where memory was not enough."""
    return EndedError(Ending.MEMORY, f"used more than {_size(limits.memory_bytes)} of memory")


def late(limits: Limits) -> EndedError:
    """Return what is raised where it takes too long."""
    return EndedError(Ending.TIME, f"took longer than {limits.wall_s:g} s")


def cancelled() -> EndedError:
    """Return what is raised where nobody wants the answer any more."""
    return EndedError(Ending.CANCELLED, "was cancelled")


def malformed(what: str) -> EndedError:
    """Return what is raised where the child breaks the protocol."""
    return EndedError(Ending.MALFORMED, f"said something malformed: {what}")


def answer_too_large(limits: Limits) -> EndedError:
    """Return what is raised where the answer is not taken."""
    return EndedError(Ending.ANSWER, f"answered more than {_size(limits.answer_bytes)}")


def silent(status: os.waitid_result | None, limits: Limits) -> EndedError:
    """Return what is raised where a child closed its connection; `status` is None where it does not even exit."""
    if status is None:
        return malformed("it closed its connection")
    if status.si_code == os.CLD_EXITED:
        return EndedError(Ending.EXIT, f"ended with exit code {status.si_status} before it answered")
    if status.si_status == signal.SIGXCPU:
        return EndedError(Ending.PROCESSOR_TIME, f"used more than {limits.cpu_s} s of processor time")
    return EndedError(Ending.SIGNAL, f"died of {_name(status.si_status)}")


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _size(count: int) -> str:
    if count % _GIBIBYTE == 0:
        return f"{count // _GIBIBYTE} GiB"
    return f"{count / _MEBIBYTE:g} MiB"
