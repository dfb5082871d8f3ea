"""Calls repeated until EC2 has caught up with itself."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

from amigate.errors import AwsError
from amigate.sources.aws_errors import BAD_CREDENTIALS, DENIED, EXPIRED, aws_errors, code_of

if TYPE_CHECKING:
    from collections.abc import Callable

Answer = TypeVar("Answer")
NOT_VISIBLE_YET = frozenset({"InvalidGroup.NotFound", "InvalidKeyPair.NotFound", "InvalidInstanceID.NotFound"})
"""Said of what this run has just made."""
HOPELESS = DENIED | BAD_CREDENTIALS | EXPIRED


def once_visible(what: str, call: Callable[[], Answer], *, pause_s: float, attempts: int = 10) -> Answer:
    """Return what `call` returns once what was just made is known everywhere: EC2 is eventually consistent.

    https://docs.aws.amazon.com/ec2/latest/devguide/eventual-consistency.html"""
    return _repeat(what, call, pause_s, attempts, NOT_VISIBLE_YET.__contains__)


def persist(what: str, call: Callable[[], Answer], *, pause_s: float, attempts: int = 10) -> Answer:
    """Return what `call` returns, trying again after any error but a refusal of the credentials."""
    return _repeat(what, call, pause_s, attempts, lambda code: code not in HOPELESS)


def _repeat(
    what: str, call: Callable[[], Answer], pause_s: float, attempts: int, worth_it: Callable[[str], bool]
) -> Answer:
    for left in reversed(range(attempts)):
        try:
            with aws_errors(what):
                return call()
        except AwsError as error:
            if not left or not worth_it(code_of(error)):
                raise
        time.sleep(pause_s)
    raise AssertionError("attempts is at least 1")
