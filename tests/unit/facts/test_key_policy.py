"""What a key policy tells of accounts, organizations and units; of accounts, the sandbox's KMS says the same."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from amigate.facts.key_policy import KeyPolicy, Receiver, Told
from amigate.sandbox.api.kms_policy import evaluate

KEY = "arn:aws:kms:us-east-1:123456789012:key/k"
ACCOUNT, OTHER = "111122223333", "999999999999"
ORGANIZATION, UNIT = "o-a1b2c3d4e5", "ou-ab12-11111111"
YES, NO, UNKNOWN = Told.YES, Told.NO, Told.UNKNOWN
SOMEBODY = Receiver(account=ACCOUNT)
ALL = Receiver(organization=ORGANIZATION)
SOME = Receiver(organization=ORGANIZATION, unit=UNIT)


def told(receiver: Receiver, *statements: Any, action: str = "kms:Decrypt") -> Told:
    text = json.dumps({"Statement": [{"Effect": "Allow", "Action": "kms:*"} | each for each in statements]})
    policy = KeyPolicy.parse(KEY, "us-east-1", text, ())
    assert policy is not None
    return policy.lets(receiver, action)


def on(*paths: str, operator: str = "ForAnyValue:StringLike") -> dict[str, Any]:
    return {"Principal": "*", "Condition": {operator: {"aws:PrincipalOrgPaths": list(paths)}}}


def test_receivers_are_accounts_organizations_and_units() -> None:
    organizations = "arn:aws:organizations::999999999999"
    assert Receiver.parse(ACCOUNT) == SOMEBODY
    assert Receiver.parse(f"{organizations}:organization/{ORGANIZATION}") == ALL
    assert Receiver.parse(f"{organizations}:ou/{ORGANIZATION}/{UNIT}") == SOME
    for text in ("all", "", ORGANIZATION, f"{organizations}:root/{ORGANIZATION}/r-ab12"):
        assert Receiver.parse(text) is None


@pytest.mark.parametrize(
    "path,whole,unit",
    [
        ("*", YES, YES),
        (f"{ORGANIZATION}/*", YES, YES),
        (f"{ORGANIZATION}/r-ab12/*", YES, YES),
        (f"{ORGANIZATION}/r-ab12/{UNIT}/*", UNKNOWN, YES),
        (f"{ORGANIZATION}/r-ab12/ou-ab12-22222222/{UNIT}/*", UNKNOWN, YES),
        (f"{ORGANIZATION}/r-ab12/{UNIT}/", UNKNOWN, UNKNOWN),
        (f"{ORGANIZATION}/r-ab12/ou-ab12-22222222/*", UNKNOWN, UNKNOWN),
        ("o-zzzzzzzzzz/*", NO, NO),
        ("o-*/r-ab12/*", UNKNOWN, UNKNOWN),
    ],
)
def test_a_unit_is_on_paths_that_lead_through_it(path: str, whole: Told, unit: Told) -> None:
    assert told(ALL, on(path)) is whole
    assert told(SOME, on(path)) is unit
    assert told(SOMEBODY, on(path)) is UNKNOWN


def test_other_ways_to_compare_paths_are_not_known() -> None:
    for operator in ("ForAllValues:StringLike", "StringLike", "ForAnyValue:StringNotLike"):
        assert told(SOME, on(f"{ORGANIZATION}/*", operator=operator)) is UNKNOWN


def test_no_list_of_accounts_is_an_organization() -> None:
    assert told(ALL, {"Principal": {"AWS": ACCOUNT}}) is NO
    assert told(ALL, {"Principal": "*"}) is YES
    denied = {"Effect": "Deny", "Principal": {"AWS": ACCOUNT}}
    assert told(ALL, {"Principal": "*"}, denied) is UNKNOWN
    assert told(ALL, {"Principal": "*"}, denied | {"Action": "kms:PutKeyPolicy"}) is YES


def test_whoever_is_outside_the_organization_is_denied() -> None:
    outside = {
        "Effect": "Deny",
        "Principal": "*",
        "Condition": {"StringNotEquals": {"aws:PrincipalOrgID": ORGANIZATION}},
    }
    assert told(ALL, {"Principal": "*"}, outside) is YES
    assert told(Receiver(organization="o-zzzzzzzzzz"), {"Principal": "*"}, outside) is NO
    assert told(SOMEBODY, {"Principal": "*"}, outside) is UNKNOWN


@pytest.mark.parametrize(
    "statement",
    [
        {"NotPrincipal": {"AWS": OTHER}},
        {"Principal": "*", "NotResource": "*"},
        {"Principal": "*", "Condition": {"StringEquals": {"aws:PrincipalAccount": "${aws:PrincipalAccount}"}}},
        {"Principal": "*", "Condition": {"Null": {"aws:PrincipalOrgID": "false"}}},
        {"Principal": "*", "Condition": {"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}},
        {"Principal": {"AWS": f"arn:aws:sts::{ACCOUNT}:assumed-role/r/s"}},
    ],
)
def test_what_is_not_known_here_is_not_told(statement: dict[str, Any]) -> None:
    assert told(SOMEBODY, statement) is UNKNOWN


@pytest.mark.parametrize(
    "statement,answer",
    [
        ({"Principal": "*", "Resource": KEY}, YES),
        ({"Principal": "*", "Resource": "arn:aws:kms:*:*:key/[k]"}, NO),
        ({"Principal": "*", "Condition": {"BoolIfExists": {"kms:GrantIsForAWSResource": "true"}}}, YES),
        ({"Principal": "*", "Condition": {"Bool": {"kms:GrantIsForAWSResource": "true"}}}, NO),
        ({"Principal": "*", "Condition": {"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}}}, NO),
        ({"Principal": {"Service": "ec2.amazonaws.com"}}, NO),
        ({"Principal": "*", "NotAction": "kms:De*"}, NO),
        ({"Principal": "*", "NotAction": "kms:Put*"}, YES),
    ],
)
def test_statements_are_read_as_iam_reads_them(statement: dict[str, Any], answer: Told) -> None:
    if "NotAction" in statement:
        text = json.dumps({"Statement": statement | {"Effect": "Allow"}})
        policy = KeyPolicy.parse(KEY, "us-east-1", text, ())
        assert policy
        assert policy.lets(SOMEBODY, "kms:Decrypt") is answer
    else:
        assert told(SOMEBODY, statement) is answer


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"Statement": 1}', '{"Statement": ["x"]}', "[" * 100_000])
def test_what_is_no_policy_is_none(text: str) -> None:
    assert KeyPolicy.parse(KEY, "us-east-1", text, ()) is None


PRINCIPALS = ("*", {"AWS": ACCOUNT}, {"AWS": [f"arn:aws:iam::{ACCOUNT}:root"]}, {"AWS": OTHER})
ACTIONS = ("kms:*", "kms:Decrypt", ["kms:CreateGrant", "kms:ReEncrypt*"])
CONDITIONS: tuple[dict[str, Any], ...] = (
    {},
    {"StringEquals": {"kms:CallerAccount": [ACCOUNT, OTHER]}},
    {"StringNotEquals": {"kms:CallerAccount": ACCOUNT}},
    {"StringLike": {"kms:ViaService": "ec2.*.amazonaws.com"}},
    {"StringEquals": {"aws:PrincipalOrgID": ORGANIZATION}},
)


@pytest.mark.parametrize("action", ["kms:Decrypt", "kms:CreateGrant", "kms:ReEncryptTo"])
def test_of_an_account_the_sandbox_says_the_same(action: str) -> None:
    """Two readings of the same rules, by two pieces of code."""
    statements = [
        {"Effect": effect, "Principal": principal, "Action": actions, "Resource": "*", "Condition": condition}
        for effect, principal, actions, condition in itertools.product(
            ("Allow", "Deny"), PRINCIPALS, ACTIONS, CONDITIONS
        )
    ]
    always = {"Effect": "Allow", "Principal": "*", "Action": "kms:Decrypt", "Resource": "*"}
    answers = set()
    for statement in statements:
        for policy in ([statement], [always, statement]):
            text = json.dumps({"Statement": policy})
            parsed = KeyPolicy.parse(KEY, "us-east-1", text, ())
            assert parsed
            ours = parsed.lets(SOMEBODY, action)
            theirs = evaluate(text, account=ACCOUNT, action=action, via="ec2.us-east-1.amazonaws.com")
            assert str(ours) == str(theirs), text
            answers.add(ours)
    assert answers == {YES, NO, UNKNOWN}
