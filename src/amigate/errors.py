"""What can go wrong, as one tree; the library raises, only `cli/` prints and exits."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from amigate.result import Report


class Exit(IntEnum):
    """Exit codes of everything that judges; no report format changes them."""

    OK = 0
    """Nothing blocks; at full scope the image may be shared."""
    BLOCKED = 1
    """A blocking rule is violated."""
    USAGE = 2
    """The call or the configuration is wrong; nothing was done."""
    UNDECIDED = 3
    """What had to be known could not be found out."""


class AmigateError(Exception):
    """An error that a user can act on: what happened, and what to do about it (`hint`).

    Neither text ever holds a secret or raw output of an image."""

    exit_code = Exit.UNDECIDED

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class UsageError(AmigateError):
    """The call, the configuration or the target named is wrong."""

    exit_code = Exit.USAGE


class PartialError(AmigateError):
    """Fewer witnesses were asked than the profile needs: such a run decides nothing."""


class AwsError(AmigateError):
    """AWS refused or did not answer."""


class RemovalError(AwsError):
    """What a run made in an account may still be there; the hint has the commands that remove it."""

    report: Report | None = None
    """What the run found out nevertheless."""


class LaunchError(AmigateError):
    """A test instance could not be launched."""


class ConnectionFailedError(AmigateError):
    """A machine could not be reached or logged in to over SSH."""


class CollectionError(AmigateError):
    """The collector could not run on a machine, or what it sent back was not its protocol."""


class JudgeError(AmigateError):
    """The judge could not be started or broke its protocol."""


class HardenError(AmigateError):
    """A hardening step failed; what it had changed was put back where it could be."""


class ShareError(AmigateError):
    """The image was not shared, or not as asked."""


class SharedUpstreamError(ShareError):
    """Somebody was given the image before it was judged."""

    exit_code = Exit.BLOCKED


class SandboxError(AmigateError):
    """The sandbox cannot start, or an image of it cannot be built."""
