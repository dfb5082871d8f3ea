"""Whether a key policy lets an account do something; yes, no, or not to be told without knowing organizations.

https://docs.aws.amazon.com/kms/latest/developerguide/policy-evaluation.html"""

from __future__ import annotations

import json
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_CALLER = "user/sandbox"


class Answer(StrEnum):
    """What a policy says to a question."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"
    """A condition asks for what the sandbox does not know, such as the organization of the caller."""


def evaluate(policy: str, *, account: str, action: str, via: str = "", grants: Iterable[str] = ()) -> Answer:
    """Say whether a policy, or a grant that names the caller and those operations, allows an action.

    The caller is `user/sandbox` of the account, which its own account allows everything. `via` is the service that
    asks for it, such as ec2.eu-west-1.amazonaws.com. A policy that cannot be read allows nothing."""
    said = {"Allow": Answer.NO, "Deny": Answer.NO}
    facts = {"kms:calleraccount": account, "aws:principalaccount": account}
    facts |= {"kms:viaservice": via, "kms:grantisforawsresource": "true"} if via else {}
    for statement in _statements(policy):
        effect, matches = statement.get("Effect"), _matches(statement, account, action, facts)
        if effect in said and said[effect] is not Answer.YES and matches is not Answer.NO:
            said[effect] = matches
    if said["Deny"] is Answer.YES:
        return Answer.NO
    allowed = Answer.YES if action.removeprefix("kms:") in grants else said["Allow"]
    return Answer.UNKNOWN if allowed is Answer.YES and said["Deny"] is Answer.UNKNOWN else allowed


def callers(account: str) -> frozenset[str]:
    """Return how a policy or a grant can name the caller."""
    partitions = ("aws", "aws-cn", "aws-us-gov")
    return frozenset([account, *(f"arn:{p}:iam::{account}:{who}" for p in partitions for who in ("root", _CALLER))])


def _statements(policy: str) -> Iterator[Mapping[str, Any]]:
    try:
        found = json.loads(policy)["Statement"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return
    yield from (each for each in _listed(found) if isinstance(each, dict))


def _matches(statement: Mapping[str, Any], account: str, action: str, facts: Mapping[str, str]) -> Answer:
    if not _names(statement, account) or not _covers(statement, action):
        return Answer.NO
    answers = [
        _condition(operator, key, _listed(wanted), facts)
        for operator, conditions in (statement.get("Condition") or {}).items()
        for key, wanted in conditions.items()
    ]
    if Answer.NO in answers:
        return Answer.NO
    return Answer.UNKNOWN if Answer.UNKNOWN in answers else Answer.YES


def _names(statement: Mapping[str, Any], account: str) -> bool:
    known = callers(account) | {"*"}
    if "NotPrincipal" in statement:
        return not known & set(_principals(statement["NotPrincipal"]))
    return bool(known & set(_principals(statement.get("Principal"))))


def _principals(principal: Any) -> list[str]:
    """Return the accounts, users and roles; services and federations are nobody here."""
    return [str(each) for each in _listed(principal.get("AWS") if isinstance(principal, dict) else principal)]


def _covers(statement: Mapping[str, Any], action: str) -> bool:
    patterns = _listed(statement.get("NotAction", statement.get("Action")))
    covered = any(fnmatchcase(action.lower(), str(pattern).lower()) for pattern in patterns)
    return covered != ("NotAction" in statement)


def _condition(operator: str, key: str, wanted: list[Any], facts: Mapping[str, str]) -> Answer:
    """Evaluate one condition; what is not about this caller or service is unknown."""
    value = facts.get(key.lower())
    name = operator.rsplit(":", maxsplit=1)[-1].removesuffix("IfExists")
    patterns = [str(each).lower() if name == "Bool" else str(each) for each in wanted]
    if value is None or name not in {"StringEquals", "StringLike", "StringNotEquals", "StringNotLike", "Bool"}:
        return Answer.UNKNOWN
    like = any(fnmatchcase(value, each) if name.endswith("Like") else value == each for each in patterns)
    return Answer.YES if like != ("Not" in name) else Answer.NO


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
