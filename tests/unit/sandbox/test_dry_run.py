"""A dry run changes nothing, and says whether the call would have been allowed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from amigate.sandbox import DENIED, Error, Fault
from amigate.sandbox.api.dry_run import _stops
from amigate.sandbox.api.ec2 import Ec2

if TYPE_CHECKING:
    from tests.unit.sandbox.conftest import Endpoint

RULE = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "CidrIp": "192.0.2.1/32"}
CALLS: dict[str, dict[str, Any]] = {
    "create_key_pair": {"KeyName": "new"},
    "delete_key_pair": {"KeyName": "old"},
    "create_security_group": {"GroupName": "new", "Description": "new"},
    "authorize_security_group_ingress": {"GroupName": "old", **RULE},
    "delete_security_group": {"GroupName": "old"},
    "create_volume": {"AvailabilityZone": "us-east-1a", "Size": 1},
    "create_vpc": {"CidrBlock": "10.0.0.0/16"},
    "allocate_address": {},
    "describe_instances": {},
    "describe_key_pairs": {},
    "describe_regions": {},
}


def state(ec2: Any) -> list[Any]:
    """Everything that the calls above could change."""
    asked = ("key_pairs", "security_groups", "volumes", "vpcs", "addresses")
    answers = [getattr(ec2, f"describe_{name}")() for name in asked]
    return [{name: value for name, value in answer.items() if name != "ResponseMetadata"} for answer in answers]


def code(call: Any, **parameters: Any) -> str:
    with pytest.raises(ClientError) as refused:
        call(**parameters)
    return str(refused.value.response["Error"]["Code"])


@pytest.fixture
def ec2(endpoint: Endpoint) -> Any:
    client = endpoint.client("ec2")
    client.create_key_pair(KeyName="old")
    client.create_security_group(GroupName="old", Description="old")
    return client


@pytest.mark.parametrize("action", CALLS)
def test_an_allowed_call_says_so_and_changes_nothing(ec2: Any, action: str) -> None:
    before = state(ec2)
    assert code(getattr(ec2, action), DryRun=True, **CALLS[action]) == "DryRunOperation"
    assert state(ec2) == before


@pytest.mark.parametrize("action", CALLS)
def test_a_denied_call_says_that_it_is_denied(endpoint: Endpoint, ec2: Any, action: str) -> None:
    endpoint.watch.faults.add(Fault(error=Error(DENIED)))
    assert code(getattr(ec2, action), DryRun=True, **CALLS[action]) == "UnauthorizedOperation"


def test_a_reading_call_that_would_fail_fails(ec2: Any) -> None:
    assert code(ec2.describe_key_pairs, KeyNames=["none"], DryRun=True) == "InvalidKeyPair.NotFound"


def test_launching_and_imaging_look_at_dry_runs_themselves() -> None:
    """These check everything first, as EC2 does."""
    checked = ("run_instances", "create_image", "deregister_image", "modify_image_attribute", "create_tags")
    assert [action for action in checked if not _stops(Ec2, action)] == []


def test_the_status_is_ec2s(ec2: Any) -> None:
    with pytest.raises(ClientError) as refused:
        ec2.create_key_pair(KeyName="k", DryRun=True)
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 412
