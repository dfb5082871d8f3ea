"""Profiles: which rules apply, how strict, for which audience; YAML with errors that name file, line and column."""

from __future__ import annotations

import datetime  # noqa: TC003 - pydantic reads the annotations
import difflib
import hashlib
import os
from fnmatch import fnmatchcase
from importlib.resources import files
from ipaddress import IPv4Network  # noqa: TC003 - pydantic reads the annotations
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, JsonValue, PrivateAttr, ValidationError, model_validator

from amigate.errors import UsageError
from amigate.profile_place import shown
from amigate.result import Severity, Witness

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from amigate.own.tests import OwnTest

_MAX_BYTES = 1024 * 1024
Location = tuple[str | int, ...]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class RuleChoice(_Model):
    """How a profile wants one rule judged."""

    severity: Severity | None = Field(default=None, description="overrides the rule's own severity")
    settings: dict[str, JsonValue] = Field(default_factory=dict, description="overrides the rule's settings")


class Waiver(_Model):
    """A violation that somebody has accepted, until a date."""

    rule: str = Field(description="id of the rule")
    subject: str = Field(default="*", description="pattern for subject or path of findings it covers")
    reason: str = Field(min_length=1)
    owner: str = Field(min_length=1, description="who answers for it")
    expires: datetime.date = Field(description="the last day on which it holds")

    def covers(self, subject: str, path: str) -> bool:
        """Whether a finding about `subject` at `path` is accepted."""
        return fnmatchcase(subject, self.subject) or fnmatchcase(path, self.subject)


class Ssh(_Model):
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


class Egress(_Model):
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


class Launch(_Model):
    """How test instances are launched."""

    egress: tuple[Egress, ...] = Field(default=(), max_length=20, description="where they may connect to")


class Profile(_Model):
    """A named choice of rules."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")
    description: str
    audience: Literal["public", "organization", "accounts"]
    blocking: Severity = Field(default=Severity.HIGH, description="lowest severity that blocks sharing")
    evidence: tuple[Witness, ...] = Field(min_length=1, description="the witnesses that the profile asks")
    ssh: Ssh = Field(default_factory=Ssh)
    launch: Launch = Field(default_factory=Launch)
    rules: dict[str, RuleChoice | None] = Field(min_length=1)
    checks: tuple[Annotated[str, Field(pattern=r"^[^\x00]+$")], ...] = Field(
        default=(), max_length=50, description="folders and files of your own tests, relative to the profile"
    )
    waivers: tuple[Waiver, ...] = ()
    digest: str = Field(default="", exclude=True, description="SHA-256 of the file; set when it is loaded")
    _own: tuple[OwnTest, ...] = PrivateAttr(default=())
    _path: str = PrivateAttr(default="")
    _lines: Mapping[str, int] = PrivateAttr(default_factory=dict)

    @property
    def own(self) -> tuple[OwnTest, ...]:
        """The tests that `checks` leads to, each of which is a rule beside `rules`; read when it is loaded."""
        return self._own

    @property
    def path(self) -> str:
        """The file that it was loaded from, as `amigate.profile_place.shown` names it."""
        return self._path

    def line(self, rule: str) -> int | None:
        """Return the line of that file that asks for `rule`, counted from 1; None for a rule that it does not ask."""
        return self._lines.get(rule)

    def blocks(self, severity: Severity) -> bool:
        """Whether a violation of that severity keeps the image from being shared."""
        return severity.rank >= self.blocking.rank

    def choice(self, rule: str) -> RuleChoice:
        """Return what the profile says of `rule`."""
        return self.rules.get(rule) or RuleChoice()


def shipped() -> dict[str, Path]:
    """Return the profiles that come with amigate, name to file."""
    folder = Path(str(files("amigate.profiles")))
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def load(name_or_path: str, known_rules: frozenset[str] | None = None) -> Profile:
    """Load a shipped profile by name or any by path; raises UsageError with file:line:column.

    With `known_rules`, a rule that does not exist is refused as well."""
    path = shipped().get(name_or_path) or Path(name_or_path)
    if not path.is_file():
        near = difflib.get_close_matches(name_or_path, shipped(), 1)
        hint = f"Did you mean {near[0]}? " if near else ""
        raise UsageError(
            f"there is no profile {name_or_path!r}",
            hint=f"{hint}Name one of {', '.join(shipped())}, or the path of a YAML file.",
        )
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}", hint="Check the file's permissions.") from None
    if len(raw) > _MAX_BYTES:
        raise UsageError(f"{path}: larger than a profile can be", hint="Name a profile's YAML file.")
    return _parse(raw, str(path), known_rules)


def _parse(raw: bytes, name: str, known_rules: frozenset[str] | None) -> Profile:
    data, marks = _read_yaml(raw, name)
    try:
        profile = Profile.model_validate(data)
    except ValidationError as error:
        lines = [_explain(each["loc"], each["type"], each["msg"], marks, name) for each in error.errors()]
        raise UsageError("\n".join(lines), hint="`amigate profiles show first-gate` shows a valid profile.") from None
    own = _own_tests(profile, Path(name).parent, marks, name)
    if known_rules is not None:
        _refuse_unknown(profile, known_rules, own, marks, name)
    loaded = profile.model_copy(update={"digest": _digest(raw, own)})
    # No fields, because no YAML sets them:
    loaded._own = own  # noqa: SLF001
    loaded._path = shown(Path(name))  # noqa: SLF001
    loaded._lines = _lines(profile, own, marks)  # noqa: SLF001
    return loaded


def _lines(profile: Profile, own: Sequence[OwnTest], marks: dict[Location, tuple[int, int]]) -> dict[str, int]:
    """Return the line that asks for each rule: its own under `rules`, else that of `checks` which leads to the test."""
    entries = [os.path.normpath(each) for each in profile.checks]  # as tests name theirs
    lines = {test.id: marks["checks", entries.index(os.path.normpath(test.entry))][0] for test in own}
    return lines | {rule: marks["rules", rule, "@key"][0] for rule in profile.rules}


def _own_tests(profile: Profile, base: Path, marks: dict[Location, tuple[int, int]], name: str) -> tuple[OwnTest, ...]:
    """List the user's tests; raises UsageError where one cannot be listed, or two would be one rule."""
    if not profile.checks:
        return ()
    from amigate.own.tests import find, refuse_twins  # noqa: PLC0415 - only with tests of one's own

    found: list[OwnTest] = []
    for number, entry in enumerate(profile.checks):
        found += find(entry, base, f"{name}:{_place(('checks', number), marks)}")
    refuse_twins(found)
    return tuple(found)


def _refuse_unknown(
    profile: Profile,
    known_rules: frozenset[str],
    own: Sequence[OwnTest],
    marks: dict[Location, tuple[int, int]],
    name: str,
) -> None:
    taken = [f"{test.place}: {test.id} is the id of a shipped rule" for test in own if test.id in known_rules]
    known = known_rules | {test.id for test in own}
    places: list[tuple[Location, str]] = [(("rules", rule), rule) for rule in profile.rules]
    places += [(("waivers", number, "rule"), waiver.rule) for number, waiver in enumerate(profile.waivers)]
    unknown = [
        f"{name}:{_place((*place, '@key'), marks)}: there is no rule {rule!r}{_did_you_mean(rule, known)}"
        for place, rule in places
        if rule not in known
    ]
    if unknown or taken:
        raise UsageError("\n".join([*taken, *unknown]), hint="`amigate checks list` names all rules.")


def _digest(raw: bytes, own: Sequence[OwnTest]) -> str:
    """Return the digest of the profile's file; with tests of the user's, it covers their files too."""
    if not own:
        return "sha256:" + hashlib.sha256(raw).hexdigest()
    from amigate.own.tests import digest  # noqa: PLC0415 - only with tests of one's own

    return "sha256:" + hashlib.sha256(hashlib.sha256(raw).digest() + digest(own)).hexdigest()


def _read_yaml(raw: bytes, name: str) -> tuple[Any, dict[Location, tuple[int, int]]]:
    """Return the data and where each node of it stands; duplicate keys are refused."""
    marks: dict[Location, tuple[int, int]] = {}
    try:
        loader = yaml.SafeLoader(raw)
        node = loader.get_single_node()
        if node is None:
            raise UsageError(f"{name}: the file is empty", hint="A profile is a YAML mapping.")
        _walk(node, (), marks, name)
        return loader.construct_document(node), marks
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        raise UsageError(f"{name}{place}: {error.problem}", hint="Mend the YAML.") from None
    except (yaml.YAMLError, UnicodeDecodeError, ValueError, RecursionError) as error:
        raise UsageError(f"{name}: not readable as YAML ({type(error).__name__})", hint="Mend the file.") from None


def _walk(node: yaml.Node, place: Location, marks: dict[Location, tuple[int, int]], name: str) -> None:
    marks.setdefault(place, (node.start_mark.line + 1, node.start_mark.column + 1))
    if isinstance(node, yaml.MappingNode):
        seen = set()
        for key, value in node.value:
            line, column = key.start_mark.line + 1, key.start_mark.column + 1
            if not isinstance(key, yaml.ScalarNode):
                raise UsageError(f"{name}:{line}:{column}: a key must be a word", hint="Mend the YAML.")
            if key.value in seen:
                raise UsageError(f"{name}:{line}:{column}: {key.value!r} stands here twice", hint="Remove one.")
            seen.add(key.value)
            marks[(*place, key.value, "@key")] = (line, column)
            _walk(value, (*place, key.value), marks, name)
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            _walk(value, (*place, number), marks, name)


def _explain(place: Location, kind: str, message: str, marks: dict[Location, tuple[int, int]], name: str) -> str:
    dotted = ".".join(str(part) for part in place)
    if kind == "extra_forbidden":
        models = (Profile, RuleChoice, Waiver, Ssh, Launch, Egress)
        known = [name for model in models for name in model.model_fields]
        near = _did_you_mean(str(place[-1]), frozenset(known) - {"digest"})
        return f"{name}:{_place((*place, '@key'), marks)}: unknown key {dotted!r}{near}"
    return f"{name}:{_place(place, marks)}: {dotted}: {message}"


def _place(place: Location, marks: dict[Location, tuple[int, int]]) -> str:
    while place not in marks:
        place = place[:-1]
    line, column = marks[place]
    return f"{line}:{column}"


def _did_you_mean(word: str, known: frozenset[str]) -> str:
    near = difflib.get_close_matches(word, sorted(known), 1)
    return f" (did you mean {near[0]!r}?)" if near else ""
