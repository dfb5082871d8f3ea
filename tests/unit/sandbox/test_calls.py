"""What the log of calls holds, and what it never does."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from amigate.sandbox import Calls

if TYPE_CHECKING:
    from tests.unit.sandbox.conftest import Endpoint

    from amigate.sandbox import Call

SECRET = "hunter2-and-more"


def last(endpoint: Endpoint) -> Call:
    return endpoint.watch.calls.all()[-1]


def attempt(call: Any, **parameters: Any) -> None:
    with pytest.raises(ClientError):
        call(**parameters)


def test_a_call_is_logged_with_what_it_asked_and_how_it_ended(endpoint: Endpoint) -> None:
    endpoint.client("ec2", "eu-west-1").describe_key_pairs(Filters=[{"Name": "key-name", "Values": ["a", "b"]}])
    call = last(endpoint)
    assert (call.service, call.action, call.account, call.region) == (
        "ec2",
        "DescribeKeyPairs",
        endpoint.cloud.settings.account_id,
        "eu-west-1",
    )
    assert call.parameters == {"Filters": [{"Name": "key-name", "Values": ["a", "b"]}]}
    assert (call.code, call.status, call.refused, call.fault) == ("ok", 200, "", "")


def test_an_error_is_logged_by_its_code(endpoint: Endpoint) -> None:
    attempt(endpoint.client("ec2").describe_images, ImageIds=["ami-00000000"])
    assert (last(endpoint).code, last(endpoint).status) == ("InvalidAMIID.NotFound", 400)


def test_calls_of_other_services_are_there_too(endpoint: Endpoint) -> None:
    endpoint.client("sts").get_caller_identity()
    assert (last(endpoint).service, last(endpoint).action) == ("sts", "GetCallerIdentity")


def test_no_secret_is_in_the_log(endpoint: Endpoint) -> None:
    ec2 = endpoint.client("ec2")
    launch = {"ImageId": "ami-00000000", "MinCount": 1, "MaxCount": 1}
    attempt(ec2.run_instances, **launch, UserData=SECRET)
    attempt(ec2.import_key_pair, KeyName="k", PublicKeyMaterial=SECRET.encode())
    attempt(ec2.modify_instance_attribute, InstanceId="i-00000000", UserData={"Value": SECRET.encode()})
    attempt(
        ec2.create_launch_template, LaunchTemplateName="abc", LaunchTemplateData={"UserData": SECRET, "ImageId": "x"}
    )
    logged = "".join(call.to_json() for call in endpoint.watch.calls.all())
    assert "InstanceId" in logged
    for hidden in (SECRET, "aHVudGVyM", endpoint.cloud.settings.access_key_id, "Signature"):
        assert hidden not in logged


def test_a_long_request_is_a_short_line(endpoint: Endpoint) -> None:
    ec2 = endpoint.client("ec2")
    ec2.describe_images(Filters=[{"Name": "name", "Values": ["x" * 1000 for _ in range(40)]} for _ in range(20)])
    assert len(last(endpoint).to_json()) < 8192
    attempt(ec2.create_tags, Resources=["y" * 100_000], Tags=[{"Key": "z" * 100_000, "Value": ""}])
    assert len(last(endpoint).to_json()) < 8192


def test_who_knocks_without_the_key_is_logged_and_pushes_no_call_out(endpoint: Endpoint) -> None:
    calls = endpoint.watch.calls
    endpoint.client("ec2").describe_volumes()
    stranger = endpoint.client("ec2", key="AKIASTRANGER")
    attempt(stranger.describe_volumes, Filters=[{"Name": "x" * 10_000, "Values": []}])
    refused = calls.matching(refused=True)
    assert [(call.refused, call.status, call.action, call.parameters) for call in refused] == [
        ("AuthFailure", 401, "", {})
    ]
    assert [call.action for call in calls.matching()] == ["DescribeVolumes"]


def test_the_oldest_calls_go_first_and_are_counted() -> None:
    calls = Calls(most=3, most_refused=2)
    for number in range(5):
        calls.add(service="ec2", action=str(number))
        calls.add(service="ec2", action="", refused="AuthFailure")
    assert [call.action for call in calls.matching()] == ["2", "3", "4"]
    assert (len(calls), calls.dropped, len(calls.matching(refused=True))) == (5, 5, 2)
    assert [call.number for call in calls.all()] == [5, 7, 8, 9, 10]


def test_taking_empties_the_log(endpoint: Endpoint) -> None:
    endpoint.client("ec2").describe_volumes()
    assert [call.action for call in endpoint.watch.calls.take()] == ["DescribeVolumes"]
    assert (endpoint.watch.calls.take(), len(endpoint.watch.calls)) == ([], 0)


def test_calls_are_found_by_pattern() -> None:
    calls = Calls()
    calls.add(service="ec2", action="RunInstances", code="InsufficientInstanceCapacity")
    calls.add(service="ec2", action="DescribeImages")
    calls.add(service="kms", action="DescribeKey")
    assert [call.action for call in calls.matching("Describe*", service="ec2")] == ["DescribeImages"]
    assert [call.action for call in calls.matching(code="Insufficient*")] == ["RunInstances"]
    assert len(calls.matching(code="ok")) == 2


def test_calls_are_written_as_lines_of_json_while_they_happen(endpoint: Endpoint) -> None:
    lines = io.StringIO()
    endpoint.watch.calls.write_to(lines)
    endpoint.client("ec2").describe_volumes(VolumeIds=[])
    endpoint.watch.calls.write_to(None)
    endpoint.client("ec2").describe_volumes()
    (line,) = lines.getvalue().splitlines()
    assert json.loads(line) | {"at": "", "duration_s": 0} == {
        "number": 1,
        "at": "",
        "duration_s": 0,
        "service": "ec2",
        "action": "DescribeVolumes",
        "account": endpoint.cloud.settings.account_id,
        "region": "us-east-1",
        "parameters": {},
        "code": "ok",
        "status": 200,
        "refused": "",
        "fault": "",
    }


def test_a_file_that_cannot_be_written_stops_the_lines_and_not_the_calls(
    endpoint: Endpoint, caplog: pytest.LogCaptureFixture
) -> None:
    lines = io.StringIO()
    lines.close()
    endpoint.watch.calls.write_to(lines)
    endpoint.client("ec2").describe_volumes()
    endpoint.client("ec2").describe_volumes()
    assert len(endpoint.watch.calls) == 2
    assert len(caplog.records) == 1
