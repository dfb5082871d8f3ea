"""A fault on purpose: which calls are hit, and what happens to them."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Literal

from amigate.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Self

DENIED = "denied"
"""An error code that becomes each service's own for a caller without permission."""
THROTTLED = "throttled"
"""An error code that becomes each service's own for a caller that asks too much."""

_SERVER_ERRORS = {
    "InsufficientAddressCapacity": 503,
    "InsufficientInstanceCapacity": 500,
    "InsufficientVolumeCapacity": 500,
    "InternalError": 500,
    "InternalFailure": 500,
    "InternalServerException": 500,
    "KMSInternalException": 500,
    "RequestLimitExceeded": 503,
    "ServiceUnavailable": 503,
    "Unavailable": 503,
}
_REFUSALS = {"AccessDenied": 403, "UnauthorizedOperation": 403, "AuthFailure": 401}
_CLIENT_ERROR = 400
_NO_CAPACITY = "We currently do not have sufficient {} capacity in the Availability Zone you asked for ({})."


@dataclass(frozen=True)
class Error:
    """What a call is answered: an error code, and what goes with it."""

    code: str
    """As the service calls it, or DENIED or THROTTLED."""
    status: int = 0
    """The HTTP status; 0 for the one that AWS gives with the code."""
    message: str = ""

    @property
    def http_status(self) -> int:
        """The status that is sent."""
        return self.status or {**_SERVER_ERRORS, **_REFUSALS}.get(self.code, _CLIENT_ERROR)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A call as a fault sees it."""

    service: str
    action: str
    account: str
    region: str
    parameters: Mapping[str, Any]
    """As boto3 names them."""
    zone: str = ""
    """The availability zone of a RunInstances: that of the subnet, the one named, or the one chosen without either."""


@dataclass(frozen=True)
class Fault:
    """Which calls fail, and how. Raises UsageError when it makes no sense.

    Of the calls that match, those from the `nth` on are hit, `times` of them (None: all). A delay goes together with
    an error or a drop; both of them are too much."""

    action: str = "*"
    """An action, or a pattern as for file names; upper and lower case differ."""
    service: str = "*"
    account: str = "*"
    region: str = "*"
    when: Callable[[Asked], bool] | None = None
    """What else must be true of a call that matches."""
    nth: int = 1
    times: int | None = 1
    error: Error | None = None
    delay_s: float = 0.0
    drop: Literal["before", "after"] | None = None
    """Close the connection without an answer, before the call is carried out or after it was."""

    def __post_init__(self) -> None:
        if self.nth < 1 or (self.times is not None and self.times < 1) or self.delay_s < 0:
            raise UsageError("a fault starts at the first call or later, and hits at least one")
        if bool(self.error) == bool(self.drop) and not (self.delay_s and not self.error):
            raise UsageError("a fault has an error, a drop or a delay", hint="one of error=, drop=, delay_s=")

    @classmethod
    def no_capacity(
        cls,
        *,
        instance_types: tuple[str, ...] = (),
        zones: tuple[str, ...] = (),
        nth: int = 1,
        times: int | None = None,
    ) -> Self:
        """Let RunInstances find no capacity, for given instance types and zones, or for any.

        Lasts until it is removed, unless told otherwise: clients ask again by themselves after such an error."""

        def short(asked: Asked) -> bool:
            wanted = asked.parameters.get("InstanceType", "")
            return (not instance_types or wanted in instance_types) and (not zones or asked.zone in zones)

        message = _NO_CAPACITY.format("/".join(instance_types) or "instance", "/".join(zones) or "requested")
        error = Error("InsufficientInstanceCapacity", message=message)
        return cls("RunInstances", service="ec2", when=short, nth=nth, times=times, error=error)

    def fits(self, asked: Asked) -> bool:
        """Whether this call is one of those that are counted."""
        named = (
            (asked.action, self.action),
            (asked.service, self.service),
            (asked.account, self.account),
            (asked.region, self.region),
        )
        return all(fnmatchcase(value, pattern) for value, pattern in named) and (
            self.when is None or bool(self.when(asked))
        )

    def hits(self, number: int) -> bool:
        """Whether the call that matches as the `number`th is hit."""
        return number >= self.nth and (self.times is None or number < self.nth + self.times)

    def __str__(self) -> str:
        effects = [f"delay {self.delay_s:g} s"] if self.delay_s else []
        effects += [self.error.code] if self.error else []
        effects += [f"drop {self.drop}"] if self.drop else []
        return " + ".join(effects)
