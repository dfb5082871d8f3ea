"""What a profile is, once its files are read."""

from __future__ import annotations

import datetime
from fnmatch import fnmatchcase
from ipaddress import IPv4Network  # noqa: TC003 - pydantic reads the annotations
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, PrivateAttr, model_validator

from amigate.result import Severity, Witness

if TYPE_CHECKING:
    from collections.abc import Mapping

    from amigate.own.tests import OwnTest

Audience = Literal["public", "organization", "accounts"]
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]


class Strict(BaseModel):
    """A value of which every key is known."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class RuleChoice(Strict):
    """How a profile wants one rule judged."""

    severity: Severity | None = Field(default=None, description="overrides the rule's own severity")
    settings: dict[str, JsonValue] = Field(default_factory=dict, description="overrides the rule's settings")


class Waiver(Strict):
    """A violation that somebody has accepted, until a date."""

    rule: str = Field(description="id of the rule")
    subject: str = Field(default="*", description="pattern for subject or path of findings it covers")
    reason: str = Field(min_length=1)
    owner: str = Field(min_length=1, description="who answers for it")
    expires: datetime.date = Field(description="the last day on which it holds")

    def covers(self, subject: str, path: str) -> bool:
        """Whether a finding about `subject` at `path` is accepted."""
        return fnmatchcase(subject, self.subject) or fnmatchcase(path, self.subject)

    def holds(self, day: datetime.date) -> bool:
        """Whether it has not expired on `day`, in UTC."""
        return day <= self.expires


class Ssh(Strict):
    """How the image is reached."""

    users: tuple[Annotated[str, Field(pattern=r"^[a-zA-Z_][\w.@-]{0,63}$")], ...] | None = Field(
        default=None,
        min_length=1,
        description="who may log in with the launch key, tried in this order; by default the usual ones for the image",
    )
    port: int = Field(default=22, ge=1, le=65535)
    key_wait_s: int = Field(
        default=240, ge=0, le=7200, description="how long a key that is refused may still be on its way"
    )
    timeout_s: int = Field(default=600, ge=10, le=7200, description="until a launch must let somebody in")


class Egress(Strict):
    """Somewhere that test instances may connect to; everything else is closed."""

    cidr: IPv4Network | None = Field(default=None, description="an IPv4 network, such as 10.0.0.0/8")
    prefix_list: str | None = Field(
        default=None, pattern=r"^pl-[0-9a-f]{8,17}$", description="id of a managed prefix list, such as S3's"
    )
    port: int = Field(ge=1, le=65535)
    protocol: Literal["tcp", "udp"] = "tcp"

    @model_validator(mode="after")
    def _one_goal(self) -> Self:
        if (self.cidr is None) is (self.prefix_list is None):
            raise ValueError("name either a cidr or a prefix_list")
        return self


class Launch(Strict):
    """How test instances are launched."""

    egress: tuple[Egress, ...] = Field(default=(), max_length=20, description="where they may connect to")


class Profile(Strict):
    """A named choice of rules: what its file says, and what that extends."""

    name: Name
    description: str
    audience: Audience
    blocking: Severity = Severity.HIGH
    """The lowest severity that blocks sharing."""
    evidence: tuple[Witness, ...]
    """The witnesses that it asks."""
    ssh: Ssh = Field(default_factory=Ssh)
    launch: Launch = Field(default_factory=Launch)
    rules: dict[str, RuleChoice]
    """The rules that it asks, and what it chooses for the user's own; in the order in which they are judged."""
    waivers: tuple[Waiver, ...] = ()
    digest: str = ""
    """SHA-256 of its files; set when it is loaded."""
    _own: tuple[OwnTest, ...] = PrivateAttr(default=())
    _off: frozenset[str] = PrivateAttr(default=frozenset())
    _path: str = PrivateAttr(default="")
    _lines: Mapping[str, int] = PrivateAttr(default_factory=dict)
    _waiver_places: tuple[str, ...] = PrivateAttr(default=())

    @property
    def own(self) -> tuple[OwnTest, ...]:
        """The tests that `checks` leads to; read when it is loaded. Those that are switched off are among them."""
        return self._own

    @property
    def off(self) -> frozenset[str]:
        """Ids of the user's own tests that are switched off; all others are rules beside `rules`."""
        return self._off

    @property
    def path(self) -> str:
        """The file that it was loaded from, as `amigate.profile.naming.shown` names it."""
        return self._path

    def line(self, rule: str) -> int | None:
        """Return the line of that file that asks for `rule`, counted from 1; None for a rule that it does not ask.

        Of a rule that the file has from another one, that is the line which extends it."""
        return self._lines.get(rule)

    def blocks(self, severity: Severity) -> bool:
        """Whether a violation of that severity keeps the image from being shared."""
        return severity.rank >= self.blocking.rank

    def choice(self, rule: str) -> RuleChoice:
        """Return what the profile says of `rule`."""
        return self.rules.get(rule) or RuleChoice()

    def expired(self, day: datetime.date | None = None) -> dict[str, Waiver]:
        """Return the waivers that hold no longer on `day`, by default today in UTC, by file:line:column."""
        today = day or datetime.datetime.now(datetime.UTC).date()
        placed = zip(self._waiver_places, self.waivers, strict=True)
        return {place: waiver for place, waiver in placed if not waiver.holds(today)}
