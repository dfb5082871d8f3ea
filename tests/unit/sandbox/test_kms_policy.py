"""What a key policy says to a question, compared with what AWS documents."""

from __future__ import annotations

import json
from typing import Any

import pytest

from amigate.sandbox.api.kms_policy import Answer, evaluate

OWN, OTHER = "111111111111", "222222222222"
VIA = "ec2.us-east-1.amazonaws.com"


def statement(principal: Any, effect: str = "Allow", action: Any = "kms:*", **more: Any) -> dict[str, Any]:
    return {"Effect": effect, "Principal": principal, "Action": action, "Resource": "*", **more}


def ask(*statements: dict[str, Any], account: str = OTHER, action: str = "kms:Decrypt", **more: Any) -> Answer:
    policy = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    return evaluate(policy, account=account, action=action, **more)


@pytest.mark.parametrize(
    "principal,answer",
    [
        ({"AWS": f"arn:aws:iam::{OTHER}:root"}, Answer.YES),
        ({"AWS": OTHER}, Answer.YES),
        ({"AWS": [f"arn:aws:iam::{OWN}:root", f"arn:aws:iam::{OTHER}:root"]}, Answer.YES),
        ({"AWS": f"arn:aws:iam::{OTHER}:user/sandbox"}, Answer.YES),
        ({"AWS": "*"}, Answer.YES),
        ("*", Answer.YES),
        ({"AWS": f"arn:aws:iam::{OTHER}:role/other"}, Answer.NO),
        ({"AWS": f"arn:aws:iam::{OWN}:root"}, Answer.NO),
        ({"Service": "ec2.amazonaws.com"}, Answer.NO),
        (None, Answer.NO),
    ],
)
def test_a_principal_is_an_account_a_caller_or_everybody(principal: Any, answer: Answer) -> None:
    assert ask(statement(principal)) is answer


@pytest.mark.parametrize(
    "action,answer",
    [
        ("kms:Decrypt", Answer.YES),
        (["kms:Encrypt", "kms:De*"], Answer.YES),
        ("kms:decrypt", Answer.YES),
        ("*", Answer.YES),
        ("kms:CreateGrant", Answer.NO),
        ([], Answer.NO),
    ],
)
def test_actions_are_patterns_without_case(action: Any, answer: Answer) -> None:
    assert ask(statement("*", action=action)) is answer


@pytest.mark.parametrize(
    "condition,answer",
    [
        ({"StringEquals": {"kms:CallerAccount": OTHER}}, Answer.YES),
        ({"StringEquals": {"kms:CallerAccount": [OWN, OTHER]}}, Answer.YES),
        ({"StringEquals": {"kms:CallerAccount": OWN}}, Answer.NO),
        ({"StringNotEquals": {"aws:PrincipalAccount": OTHER}}, Answer.NO),
        ({"StringLike": {"kms:ViaService": "ec2.*.amazonaws.com"}}, Answer.YES),
        ({"Bool": {"kms:GrantIsForAWSResource": True}}, Answer.YES),
        ({"StringEquals": {"aws:PrincipalOrgID": "o-abc"}}, Answer.UNKNOWN),
        ({"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "o-abc/*"}}, Answer.UNKNOWN),
        ({"StringEquals": {"aws:PrincipalOrgID": "o-abc", "kms:CallerAccount": OWN}}, Answer.NO),
        ({"NumericLessThan": {"aws:MultiFactorAuthAge": 3600}}, Answer.UNKNOWN),
    ],
)
def test_a_condition_counts_where_its_answer_is_known(condition: dict[str, Any], answer: Answer) -> None:
    assert ask(statement("*", Condition=condition), via=VIA) is answer


def test_a_denial_wins_over_whatever_allows() -> None:
    deny = statement({"AWS": OTHER}, "Deny", "kms:Decrypt")
    assert ask(deny, statement("*")) is Answer.NO
    assert ask(statement("*"), deny, grants={"Decrypt"}) is Answer.NO
    assert ask(statement("*"), deny, account=OWN) is Answer.YES


def test_a_denial_that_is_unknown_leaves_it_open() -> None:
    deny = statement("*", "Deny", Condition={"StringNotEquals": {"aws:PrincipalOrgID": "o-abc"}})
    assert ask(deny, statement("*")) is Answer.UNKNOWN
    assert ask(deny) is Answer.NO


def test_a_grant_allows_what_it_names() -> None:
    assert ask(grants={"Decrypt"}) is Answer.YES
    assert ask(grants={"Encrypt"}) is Answer.NO


def test_exceptions_are_understood() -> None:
    assert (
        ask({"Effect": "Allow", "NotPrincipal": {"AWS": OWN}, "NotAction": "kms:Put*", "Resource": "*"}) is Answer.YES
    )
    assert ask({"Effect": "Allow", "NotPrincipal": {"AWS": OTHER}, "Action": "*", "Resource": "*"}) is Answer.NO
    assert ask({"Effect": "Allow", "Principal": "*", "NotAction": "kms:De*", "Resource": "*"}) is Answer.NO


@pytest.mark.parametrize(
    "policy", ["", "nonsense", "[]", "{}", '{"Statement": "x"}', '{"Statement": [1, null]}', "null"]
)
def test_what_is_no_policy_allows_nothing(policy: str) -> None:
    assert evaluate(policy, account=OWN, action="kms:Decrypt") is Answer.NO
