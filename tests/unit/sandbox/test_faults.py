"""Faults on purpose, as clients of a real endpoint see them."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from amigate.errors import UsageError
from amigate.sandbox import DENIED, THROTTLED, Asked, Error, Fault

if TYPE_CHECKING:
    from tests.unit.sandbox.conftest import Endpoint

FULL = Error("InsufficientInstanceCapacity", message="full")


def code(call: Any, **parameters: Any) -> str:
    """Return the error code that a call ends with, or nothing."""
    try:
        call(**parameters)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return ""


def script(ec2: Any) -> list[str]:
    """Make and remove things as a launch does; returns the calls that failed, and goes on."""
    failed: list[str] = []

    def step(name: str, **parameters: Any) -> Any:
        try:
            return getattr(ec2, name)(**parameters)
        except ClientError as error:
            failed.append(f"{name}: {error.response['Error']['Code']}")
        except ConnectionClosedError:
            failed.append(f"{name}: lost")

    step("describe_images")
    step("create_key_pair", KeyName="k")
    group = step("create_security_group", GroupName="g", Description="d")
    step(
        "authorize_security_group_ingress", GroupName="g", IpProtocol="tcp", FromPort=22, ToPort=22, CidrIp="1.2.3.4/32"
    )
    step("delete_security_group", GroupId=(group or {"GroupId": "sg-0"})["GroupId"])
    step("delete_key_pair", KeyName="k")
    return failed


CALLS = 6
"""Calls of the script above."""


@pytest.mark.parametrize("nth", range(1, CALLS + 1))
def test_any_call_of_a_script_can_be_the_one_that_fails(endpoint: Endpoint, nth: int) -> None:
    with endpoint.watch.faults.add(Fault(nth=nth, error=Error("Unavailable"))) as injected:
        failed = script(endpoint.client("ec2"))
    assert [each.split(": ")[1] for each in failed][:1] == ["Unavailable"]
    assert (injected.seen, injected.fired) == (CALLS, 1)
    hit = [call.number for call in endpoint.watch.calls.all() if call.fault]
    assert hit == [nth]


@pytest.mark.parametrize("nth", range(1, CALLS + 1))
def test_any_call_of_a_script_can_lose_its_connection(endpoint: Endpoint, nth: int) -> None:
    with endpoint.watch.faults.add(Fault(nth=nth, drop="before")):
        failed = script(endpoint.client("ec2"))
    assert failed[0].endswith(": lost")
    assert [call.code for call in endpoint.watch.calls.all()].index("dropped") == nth - 1


def test_a_script_that_nothing_is_done_to_succeeds(endpoint: Endpoint) -> None:
    assert script(endpoint.client("ec2")) == []
    assert len(endpoint.watch.calls) == CALLS


def test_a_call_that_is_dropped_before_was_not_carried_out(endpoint: Endpoint) -> None:
    ec2 = endpoint.client("ec2")
    with endpoint.watch.faults.add(Fault("CreateKeyPair", drop="before")), pytest.raises(ConnectionClosedError):
        ec2.create_key_pair(KeyName="k")
    assert ec2.describe_key_pairs()["KeyPairs"] == []


def test_a_call_whose_answer_is_lost_was_carried_out(endpoint: Endpoint) -> None:
    ec2 = endpoint.client("ec2")
    with endpoint.watch.faults.add(Fault("CreateKeyPair", drop="after")), pytest.raises(ConnectionClosedError):
        ec2.create_key_pair(KeyName="k")
    assert [key["KeyName"] for key in ec2.describe_key_pairs()["KeyPairs"]] == ["k"]


def test_botocores_retry_gets_through_a_fault_that_strikes_once(endpoint: Endpoint) -> None:
    endpoint.watch.faults.add(Fault("DescribeRegions", error=Error(THROTTLED)))
    assert endpoint.client("ec2", tries=2).describe_regions()["Regions"]
    assert [call.code for call in endpoint.watch.calls.all()] == ["RequestLimitExceeded", "ok"]


@pytest.mark.parametrize(
    "times,struck",
    [(1, [False, True, False, False]), (2, [False, True, True, False]), (None, [False, True, True, True])],
)
def test_a_fault_strikes_from_the_nth_call_on_as_often_as_it_says(
    endpoint: Endpoint,
    times: int | None,
    struck: list[bool],
) -> None:
    endpoint.watch.faults.add(Fault("DescribeVolumes", nth=2, times=times, error=FULL))
    ec2 = endpoint.client("ec2")
    assert [code(ec2.describe_volumes) == FULL.code for _ in struck] == struck


def test_faults_strike_what_they_name_and_nothing_else(endpoint: Endpoint) -> None:
    endpoint.watch.faults.add(Fault("Describe*", service="ec2", region="eu-*", times=None, error=FULL))
    assert code(endpoint.client("ec2").describe_volumes) == ""
    assert code(endpoint.client("ec2", "eu-west-1").describe_volumes) == FULL.code
    assert code(endpoint.client("ec2", "eu-west-1").create_key_pair, KeyName="k") == ""
    assert code(endpoint.client("sts", "eu-west-1").get_caller_identity) == ""


def test_a_condition_sees_parameters_as_boto3_names_them(endpoint: Endpoint) -> None:
    def condition(asked: Asked) -> bool:
        return "doubtful" in asked.parameters["Filters"][0]["Values"]

    endpoint.watch.faults.add(Fault("DescribeImages", when=condition, times=None, error=FULL))
    ec2 = endpoint.client("ec2")
    assert code(ec2.describe_images, Filters=[{"Name": "name", "Values": ["sound"]}]) == ""
    assert code(ec2.describe_images, Filters=[{"Name": "name", "Values": ["x", "doubtful"]}]) == FULL.code


def test_a_condition_that_breaks_is_an_internal_error_and_no_page(endpoint: Endpoint) -> None:
    endpoint.watch.faults.add(Fault("DescribeVolumes", when=lambda asked: asked.parameters["Nothing"], error=FULL))
    assert code(endpoint.client("ec2").describe_volumes) == "InternalError"


@pytest.mark.parametrize(
    "service,action,denied,throttled",
    [
        ("ec2", "describe_volumes", "UnauthorizedOperation", "RequestLimitExceeded"),
        ("sts", "get_caller_identity", "AccessDenied", "Throttling"),
    ],
)
def test_denials_and_throttling_speak_each_services_language(
    endpoint: Endpoint, service: str, action: str, denied: str, throttled: str
) -> None:
    call = getattr(endpoint.client(service), action)
    with endpoint.watch.faults.add(Fault(error=Error(DENIED))):
        assert code(call) == denied
    with endpoint.watch.faults.add(Fault(error=Error(THROTTLED))):
        assert code(call) == throttled


@pytest.mark.parametrize("given,sent", [(Error("Unavailable"), 503), (Error("Odd"), 400), (Error("Odd", 418), 418)])
def test_an_error_has_the_status_that_aws_gives_it_or_the_one_named(
    endpoint: Endpoint, given: Error, sent: int
) -> None:
    endpoint.watch.faults.add(Fault(error=given))
    with pytest.raises(ClientError) as refused:
        endpoint.client("ec2").describe_volumes()
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == sent
    assert endpoint.watch.calls.all()[0].status == sent


def launch(endpoint: Endpoint, **parameters: Any) -> str:
    given = {"ImageId": "ami-00000000", "MinCount": 1, "MaxCount": 1, "InstanceType": "t3.micro", **parameters}
    return code(endpoint.client("ec2").run_instances, **given)


def test_capacity_is_short_for_the_types_that_are_named(endpoint: Endpoint) -> None:
    endpoint.watch.faults.add(Fault.no_capacity(instance_types=("t3.micro", "t3.small")))
    assert launch(endpoint) == FULL.code
    assert launch(endpoint, InstanceType="t3.medium") == "InvalidAMIID.NotFound"


def test_capacity_is_short_in_a_zone_however_a_launch_comes_to_it(endpoint: Endpoint) -> None:
    endpoint.watch.faults.add(Fault.no_capacity(zones=("us-east-1b",)))
    subnets = endpoint.client("ec2").describe_subnets()["Subnets"]
    ids = {subnet["AvailabilityZone"]: subnet["SubnetId"] for subnet in subnets}
    interface = {"DeviceIndex": 0, "SubnetId": ids["us-east-1b"]}
    assert launch(endpoint, SubnetId=ids["us-east-1b"]) == FULL.code
    assert launch(endpoint, Placement={"AvailabilityZone": "us-east-1b"}) == FULL.code
    assert launch(endpoint, NetworkInterfaces=[interface]) == FULL.code
    assert launch(endpoint, SubnetId=ids["us-east-1c"]) == launch(endpoint) == "InvalidAMIID.NotFound"


def test_a_delayed_call_is_answered_as_usual_and_the_log_says_how_long_it_took(endpoint: Endpoint) -> None:
    endpoint.watch.faults.add(Fault("DescribeVolumes", delay_s=0.2))
    assert code(endpoint.client("ec2").describe_volumes) == ""
    call = endpoint.watch.calls.all()[0]
    assert (call.code, call.fault, call.duration_s >= 0.2) == ("ok", "delay 0.2 s", True)


def test_delays_add_up_and_go_together_with_one_error(endpoint: Endpoint) -> None:
    faults = endpoint.watch.faults
    first, second = faults.add(Fault(delay_s=0.01)), faults.add(Fault(delay_s=0.01, error=FULL))
    shadowed = faults.add(Fault(error=Error("Other"), times=None))
    assert code(endpoint.client("ec2").describe_volumes) == FULL.code
    assert endpoint.watch.calls.all()[0].fault == f"delay 0.01 s, delay 0.01 s + {FULL.code}"
    assert [each.fired for each in (first, second, shadowed)] == [1, 1, 0]


def test_an_endpoint_that_ends_waits_for_no_delay(endpoint: Endpoint) -> None:
    endpoint.watch.faults.add(Fault("DescribeVolumes", delay_s=3600))
    endpoint.watch.faults.closing.set()
    assert code(endpoint.client("ec2").describe_volumes) == ""


def test_each_of_many_calls_at_once_is_counted(endpoint: Endpoint) -> None:
    injected = endpoint.watch.faults.add(Fault("DescribeVolumes", nth=5, times=3, error=FULL))
    ready = threading.Barrier(8)

    def ask(_: int) -> int:
        ec2 = endpoint.client("ec2")
        ready.wait()
        return sum(code(ec2.describe_volumes) == FULL.code for _ in range(4))

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(ask, range(8))) == 3
    assert (injected.seen, injected.fired) == (32, 3)


def test_a_fault_that_is_removed_strikes_no_more_and_keeps_what_it_counted(endpoint: Endpoint) -> None:
    injected = endpoint.watch.faults.add(Fault(times=None, error=FULL))
    ec2 = endpoint.client("ec2")
    assert code(ec2.describe_volumes) == FULL.code
    injected.remove()
    injected.remove()
    assert (code(ec2.describe_volumes), injected.seen) == ("", 1)


@pytest.mark.parametrize(
    "wrong",
    [{}, {"nth": 0, "delay_s": 1}, {"times": 0, "delay_s": 1}, {"delay_s": -1}, {"error": FULL, "drop": "before"}],
)
def test_a_fault_that_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        Fault(**wrong)
