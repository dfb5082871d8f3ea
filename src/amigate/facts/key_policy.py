"""Whether the policy of a KMS key, or a grant, lets a receiver do something with it: yes, no, or not to be told.

Evaluated as https://docs.aws.amazon.com/kms/latest/developerguide/policy-evaluation.html has it, for a receiver as a
whole: an account, an organization or one of its units. What only some principals of it may do, and what depends on a
condition that is not known here, is not to be told. That the receiver's own policies allow it too is its own affair."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Told(StrEnum):
    """What a policy says to a question."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


_ARN = re.compile(r"arn:[a-z-]+:organizations::\d{12}:(?:organization/(o-[a-z0-9]+)|ou/(o-[a-z0-9]+)/(ou-[a-z0-9-]+))")
_PRINCIPAL = re.compile(r"arn:[a-z-]+:(?:iam|sts)::(\d{12}):(.+)")
_OPERATORS = frozenset({"StringEquals", "StringLike", "StringNotEquals", "StringNotLike", "Bool"})
_ABSENT = ""


@dataclass(frozen=True, kw_only=True)
class Receiver:
    """Who is to use the key; one of the three is set, or organization and unit."""

    account: str = ""
    organization: str = ""
    """Its id, `o-…`."""
    unit: str = ""
    """Id of an organizational unit, `ou-…`."""

    @classmethod
    def parse(cls, text: str) -> Receiver | None:
        """Read an account id or the ARN of an organization or unit; None for anything else."""
        if re.fullmatch(r"\d{12}", text):
            return cls(account=text)
        found = _ARN.fullmatch(text)
        return cls(organization=found[1] or found[2], unit=found[3] or "") if found else None


@dataclass(frozen=True, kw_only=True)
class KeyPolicy:
    """The policy and the grants of one key."""

    key: str
    """Its ARN."""
    region: str
    statements: tuple[Mapping[str, Any], ...]
    grants: tuple[Mapping[str, Any], ...] = ()

    @classmethod
    def parse(cls, key: str, region: str, policy: str, grants: Sequence[Mapping[str, Any]]) -> KeyPolicy | None:
        """Read the text of a policy; None for one that is no policy."""
        try:
            found = json.loads(policy)["Statement"]
        except (ValueError, LookupError, TypeError, RecursionError):
            return None
        statements = _listed(found)
        if not all(isinstance(each, dict) for each in statements):
            return None
        return cls(key=key, region=region, statements=tuple(statements), grants=tuple(grants))

    def lets(self, receiver: Receiver, action: str) -> Told:
        """Say whether `receiver` may do `action` (`kms:Decrypt` …) through EC2."""
        denied = self._said("Deny", receiver, action)
        if denied is Told.YES:
            return Told.NO
        allowed = _any(
            [self._said("Allow", receiver, action), *(_granted(each, receiver, action) for each in self.grants)]
        )
        return Told.UNKNOWN if allowed is Told.YES and denied is Told.UNKNOWN else allowed

    def _said(self, effect: str, receiver: Receiver, action: str) -> Told:
        said = [self._matches(each, receiver, action) for each in self.statements if each.get("Effect") == effect]
        return _any(said)

    def _matches(self, statement: Mapping[str, Any], receiver: Receiver, action: str) -> Told:
        facts = {
            "kms:viaservice": f"ec2.{self.region}.amazonaws.com",
            "kms:grantisforawsresource": "true" if action == "kms:CreateGrant" else _ABSENT,
        }
        if receiver.account:
            facts |= {"kms:calleraccount": receiver.account, "aws:principalaccount": receiver.account}
        else:
            facts |= {"aws:principalorgid": receiver.organization}
        conditions = statement.get("Condition") or {}
        return _all(
            [
                _names(statement, receiver),
                _covers(statement, action),
                self._is_about_key(statement),
                *(
                    _condition(operator, key, [str(each) for each in _listed(wanted)], facts, receiver)
                    for operator, keys in conditions.items()
                    for key, wanted in keys.items()
                ),
            ]
        )

    def _is_about_key(self, statement: Mapping[str, Any]) -> Told:
        if "Resource" not in statement:
            return Told.UNKNOWN if "NotResource" in statement else Told.YES
        return _told(any(_like(self.key, str(each)) for each in _listed(statement["Resource"])))


def _names(statement: Mapping[str, Any], receiver: Receiver) -> Told:
    """Say whether a statement speaks of the receiver; of some of its principals alone is not to be told."""
    if "Principal" not in statement:
        return Told.UNKNOWN
    principal = statement["Principal"]
    named = _listed(principal.get("AWS") if isinstance(principal, dict) else principal)
    told = _any([_is(str(each), receiver) for each in named])
    if told is Told.NO and named and not receiver.account and statement.get("Effect") == "Deny":
        return Told.UNKNOWN  # an account of the organization may be among those that are shut out
    return told


def _is(principal: str, receiver: Receiver) -> Told:
    if principal == "*":
        return Told.YES
    parts = _PRINCIPAL.fullmatch(principal)
    account, who = (parts[1], parts[2]) if parts else (principal, "root")
    if not receiver.account:  # no list of accounts lets in whoever joins the organization
        return Told.NO
    if account != receiver.account:
        return Told.NO
    return Told.YES if who == "root" else Told.UNKNOWN


def _covers(statement: Mapping[str, Any], action: str) -> Told:
    patterns = _listed(statement.get("NotAction", statement.get("Action")))
    covered = any(_like(action.lower(), str(pattern).lower()) for pattern in patterns)
    return _told(covered != ("NotAction" in statement))


def _granted(grant: Mapping[str, Any], receiver: Receiver, action: str) -> Told:
    if action.removeprefix("kms:") not in (grant.get("Operations") or ()):
        return Told.NO
    named = _is(str(grant.get("GranteePrincipal", "")), receiver)
    return Told.UNKNOWN if named is Told.YES and grant.get("Constraints") else named


def _condition(operator: str, key: str, wanted: list[str], facts: Mapping[str, str], receiver: Receiver) -> Told:
    *quantifier, name = operator.split(":")
    optional, name = name.endswith("IfExists"), name.removesuffix("IfExists")
    if name not in _OPERATORS or quantifier not in ([], ["ForAnyValue"]) or any("${" in each for each in wanted):
        return Told.UNKNOWN
    negated = "Not" in name
    if key.lower() == "aws:principalorgpaths" and quantifier and not negated and not receiver.account:
        return _any([_path(receiver, each, patterns=name.endswith("Like")) for each in wanted])
    value = facts.get(key.lower())
    if value is None or quantifier:
        return Told.UNKNOWN
    if value == _ABSENT:
        return _told(optional or negated)
    if name == "Bool":
        wanted = [each.lower() for each in wanted]
    found = any(_like(value, each) if name.endswith("Like") else value == each for each in wanted)
    return _told(found != negated)


def _path(receiver: Receiver, wanted: str, *, patterns: bool) -> Told:
    """Say whether all principals of the receiver are on a path such as `o-a1/r-b2/ou-b2-c3/*`.

    Paths end with a slash. The units above the receiver's are not known here."""
    organization, *units = wanted.split("/")
    if patterns and wanted in {"*", f"{receiver.organization}/*"}:
        return Told.YES
    if organization != receiver.organization:
        return Told.UNKNOWN if patterns and "*" in organization else Told.NO
    open_end = patterns and wanted.endswith("*")
    last = wanted.removesuffix("*").rstrip("/").rsplit("/", maxsplit=1)[-1]
    is_whole = last.startswith("r-") and len(units) == 2  # noqa: PLR2004 - the one root of the organization, and all below
    return Told.YES if open_end and (is_whole or last == receiver.unit) else Told.UNKNOWN


def _like(value: str, pattern: str) -> bool:
    """Match as IAM does: `*` and `?` alone stand for something else."""
    expression = "".join({"*": ".*", "?": "."}.get(each, re.escape(each)) for each in pattern)
    return re.fullmatch(expression, value, re.DOTALL) is not None


def _any(told: Sequence[Told]) -> Told:
    if Told.YES in told:
        return Told.YES
    return Told.UNKNOWN if Told.UNKNOWN in told else Told.NO


def _all(told: Sequence[Told]) -> Told:
    if Told.NO in told:
        return Told.NO
    return Told.UNKNOWN if Told.UNKNOWN in told else Told.YES


def _told(holds: bool) -> Told:  # noqa: FBT001 - what is turned into a word
    return Told.YES if holds else Told.NO


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
