"""A profile as one file says it: what it leaves open comes from what it extends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator, Field, ValidationError
from pydantic_core import PydanticCustomError

from amigate.errors import UsageError
from amigate.profile.model import Audience, Egress, Launch, Name, RuleChoice, Ssh, Strict, Waiver
from amigate.profile.places import KEY, did_you_mean
from amigate.result import Severity, Witness  # noqa: TC001 - pydantic reads the annotations

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic_core import ErrorDetails

    from amigate.profile.places import Places

HINT = "`amigate profiles show aws-shared` shows a valid profile."


def _choice(value: Any) -> Any:
    """Read what stands after a rule: nothing, `off`, or what overrides the rule's own."""
    if value is None:
        return {}
    if value is False or value == "off":  # as YAML 1.1 and 1.2 read off
        return None
    if not isinstance(value, dict):
        raise PydanticCustomError("rule_choice", "after a rule stands nothing, off, or a mapping")
    return value


def _several(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


Choice = Annotated[RuleChoice | None, BeforeValidator(_choice)]
"""None switches the rule off."""
Path = Annotated[str, Field(pattern=r"^[^\x00]+$")]


class Written(Strict):
    """A profile of amigate."""

    name: Name
    extends: Annotated[tuple[Path, ...], BeforeValidator(_several)] = Field(
        default=(),
        max_length=20,
        description="profiles to start from, shipped ones by name or files relative to this one; later ones win",
    )
    description: str | None = None
    audience: Audience | None = Field(default=None, description="whom the images are for")
    blocking: Severity | None = Field(default=None, description="lowest severity that blocks sharing; high by default")
    evidence: tuple[Witness, ...] | None = Field(
        default=None, min_length=1, description="the witnesses that the profile asks"
    )
    ssh: Ssh | None = None
    launch: Launch | None = None
    rules: dict[str, Choice] = Field(default_factory=dict, description="rules by id, or all of a topic: TOPIC-*")
    checks: tuple[Path, ...] = Field(
        default=(), max_length=50, description="folders and files of your own tests, relative to the profile"
    )
    waivers: tuple[Waiver, ...] = ()


_MODELS: Mapping[str, type[Strict]] = {"rules": RuleChoice, "waivers": Waiver, "ssh": Ssh}


def parse(data: Any, places: Places) -> Written:
    """Return what a file says; raises UsageError with a line for each mistake, and where it stands."""
    try:
        return Written.model_validate(data)
    except ValidationError as error:
        raise UsageError("\n".join(_explain(each, places) for each in error.errors()), hint=HINT) from None


def _explain(error: ErrorDetails, places: Places) -> str:
    place = error["loc"]
    dotted = ".".join(str(part) for part in place)
    if error["type"] == "extra_forbidden":
        near = did_you_mean(str(place[-1]), _model(place).model_fields)
        return f"{places.at(*place, KEY)}: unknown key {dotted!r}{near}"
    return f"{places.at(*place)}: {dotted}: {error['msg']}"


def _model(place: tuple[str | int, ...]) -> type[Strict]:
    """Return what is to be at the place of which the last part is a key too many."""
    if len(place) == 1:
        return Written
    if place[0] == "launch":
        return Launch if len(place) == 2 else Egress  # noqa: PLR2004 - launch and the key
    return _MODELS[str(place[0])]
