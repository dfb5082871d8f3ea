"""Where there is no room for an instance, other types and zones are tried, each once, and the end is told whole."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ConnectionClosedError

from amigate.errors import LaunchError, UsageError
from amigate.sources.launch import open_run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from amigate.sources.aws import Aws

RUNNER = "203.0.113.7/32"
ZONES = ("eu-central-1a", "eu-central-1b", "eu-central-1c")
IMAGE = {"Architecture": "x86_64", "EnaSupport": True, "BootMode": "legacy-bios"}


class Ec2:
    """An EC2 that answers RunInstances as the test says, on the wire; what it lets through is moto's."""

    def __init__(self, aws: Aws) -> None:
        self.aws = aws
        self.asked: list[dict[str, str]] = []
        self.refuse: Callable[[str, str], tuple[int, str] | None] = lambda kind, zone: None
        """Takes type and zone; returns status and code of a refusal."""
        subnets = aws.ec2.describe_subnets()["Subnets"]
        self._zones = {subnet["SubnetId"]: subnet["AvailabilityZone"] for subnet in subnets}

    def on_request(self, request: Any, **_: object) -> AWSResponse | None:
        """Answer in place of the network."""
        body = dict(parse_qsl(request.body))
        if body.get("Action") != "RunInstances":
            return None
        self.asked.append(body)
        refused = self.refuse(body["InstanceType"], self.zone(body))
        if refused is None:
            return None
        status, code = refused
        request.body = "Action=DescribeRegions&Version=2016-11-15"  # moto hears of every request
        text = (
            f"<Response><Errors><Error><Code>{code}</Code><Message>InstanceType</Message></Error></Errors></Response>"
        )
        return AWSResponse(request.url, status, {}, Body(text.encode()))  # type: ignore[arg-type] # enough of urllib3's

    def zone(self, body: dict[str, str]) -> str:
        return self._zones[body.get("SubnetId") or body["NetworkInterface.1.SubnetId"]]

    def places(self) -> list[tuple[str, str]]:
        return [(body["InstanceType"], self.zone(body)) for body in self.asked]


class Body:
    """What an AWSResponse reads from."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self, **_: object) -> Iterator[bytes]:
        yield self._content


@pytest.fixture
def ec2(aws: Aws) -> Iterator[Ec2]:
    fake = Ec2(aws)
    events: Any = aws.ec2.meta.events
    events.register_first("before-send.ec2.RunInstances", fake.on_request)
    yield fake
    events.unregister("before-send.ec2.RunInstances", fake.on_request)


def launch(aws: Aws, image: dict[str, Any], **wishes: Any) -> str:
    """Return the placement of one launch."""
    with open_run(aws, runner_cidr=RUNNER, pause_s=0, **wishes) as run:
        return run.launch(image, "A").placement


@pytest.fixture
def image(ami_id: str) -> dict[str, Any]:
    return {"ImageId": ami_id, **IMAGE}


@contextmanager
def answering(aws: Aws, operation: str, status: int, answer: dict[str, Any]) -> Iterator[None]:
    """Give `answer` for every call of `operation`, as botocore would have parsed it."""

    def give(**_: object) -> Any:
        return SimpleNamespace(status_code=status), {**answer, "ResponseMetadata": {"HTTPStatusCode": status}}

    aws.ec2.meta.events.register(f"before-call.ec2.{operation}", give)
    try:
        yield
    finally:
        aws.ec2.meta.events.unregister(f"before-call.ec2.{operation}", give)


def nothing_left(aws: Aws) -> bool:
    instances = [i for r in aws.ec2.describe_instances()["Reservations"] for i in r["Instances"]]
    keys = aws.ec2.describe_key_pairs()["KeyPairs"]
    groups = [
        g["GroupName"] for g in aws.ec2.describe_security_groups()["SecurityGroups"] if g["GroupName"] != "default"
    ]
    return [i["InstanceId"] for i in instances if i["State"]["Name"] != "terminated"] + keys + groups == []


def test_the_first_choice_is_the_smallest_type_in_the_first_zone(aws: Aws, image: dict[str, Any], ec2: Ec2) -> None:
    assert launch(aws, image) == "t3.micro in eu-central-1a"


@pytest.mark.parametrize("status,code", [(500, "InsufficientInstanceCapacity"), (400, "Unsupported")])
def test_another_zone_is_tried_before_another_type(
    aws: Aws, image: dict[str, Any], ec2: Ec2, status: int, code: str
) -> None:
    ec2.refuse = lambda _kind, zone: (status, code) if zone != ZONES[2] else None
    assert launch(aws, image) == "t3.micro in eu-central-1c"
    assert ec2.places() == [("t3.micro", zone) for zone in ZONES]
    assert nothing_left(aws)


def test_another_type_is_tried_where_no_zone_has_the_first(aws: Aws, image: dict[str, Any], ec2: Ec2) -> None:
    ec2.refuse = lambda kind, _: (500, "InsufficientInstanceCapacity") if kind == "t3.micro" else None
    assert launch(aws, image) == "t3a.micro in eu-central-1a"


def test_each_request_has_a_token_of_its_own(aws: Aws, image: dict[str, Any], ec2: Ec2) -> None:
    ec2.refuse = lambda kind, _: (500, "InsufficientInstanceCapacity") if kind == "t3.micro" else None
    launch(aws, image)
    tokens = [body["ClientToken"] for body in ec2.asked]
    assert len(set(tokens)) == len(tokens) == 4
    assert all(len(token) <= 64 for token in tokens)


def test_no_room_anywhere_ends_after_each_place_was_asked_once_and_names_them_all(
    aws: Aws, image: dict[str, Any], ec2: Ec2
) -> None:
    ec2.refuse = lambda _kind, _zone: (500, "InsufficientInstanceCapacity")
    with pytest.raises(LaunchError, match="no room") as caught:
        launch(aws, image)
    assert set(Counter(ec2.places()).values()) == {1}
    assert len(ec2.places()) <= 24
    for kind, zone in ec2.places():
        assert f"{kind} in {zone} (InsufficientInstanceCapacity)" in str(caught.value)
    assert "--instance-type" in caught.value.hint
    assert nothing_left(aws)


def test_a_type_that_was_asked_for_is_not_replaced(aws: Aws, image: dict[str, Any], ec2: Ec2) -> None:
    ec2.refuse = lambda _kind, _zone: (500, "InsufficientInstanceCapacity")
    with pytest.raises(LaunchError):
        launch(aws, image, instance_type="m5.large")
    assert ec2.places() == [("m5.large", zone) for zone in ZONES]


def test_a_subnet_that_was_asked_for_is_not_replaced(aws: Aws, image: dict[str, Any], ec2: Ec2) -> None:
    subnet = aws.ec2.describe_subnets(Filters=[{"Name": "availability-zone", "Values": [ZONES[1]]}])["Subnets"][0]
    ec2.refuse = lambda kind, _zone: (500, "InsufficientInstanceCapacity") if kind == "t3.micro" else None
    assert launch(aws, image, subnet=subnet["SubnetId"]) == "t3a.micro in eu-central-1b"


def test_a_subnet_without_addresses_is_left_alone_for_all_types(aws: Aws, image: dict[str, Any], ec2: Ec2) -> None:
    def refuse(kind: str, zone: str) -> tuple[int, str] | None:
        if zone == ZONES[0]:
            return 400, "InsufficientFreeAddressesInSubnet"
        return (500, "InsufficientInstanceCapacity") if kind == "t3.micro" else None

    ec2.refuse = refuse
    assert launch(aws, image) == "t3a.micro in eu-central-1b"
    assert [zone for _, zone in ec2.places()].count(ZONES[0]) == 1


def test_a_quota_of_one_family_makes_one_other_family_worth_a_try(aws: Aws, image: dict[str, Any], ec2: Ec2) -> None:
    ec2.refuse = lambda kind, _: (400, "VcpuLimitExceeded") if kind.startswith("t3.") else None
    assert launch(aws, image) == "t3a.micro in eu-central-1a"


def test_a_quota_that_holds_for_another_family_too_is_the_end(aws: Aws, image: dict[str, Any], ec2: Ec2) -> None:
    ec2.refuse = lambda _kind, _zone: (400, "VcpuLimitExceeded")
    with pytest.raises(LaunchError, match="VcpuLimitExceeded"):
        launch(aws, image)
    assert len(ec2.places()) == 2


@pytest.mark.parametrize(
    "code", ["InstanceLimitExceeded", "UnauthorizedOperation", "OptInRequired", "PendingVerification"]
)
def test_what_no_other_place_would_help_is_told_at_once(aws: Aws, image: dict[str, Any], ec2: Ec2, code: str) -> None:
    ec2.refuse = lambda _kind, _zone: (400, code)
    with pytest.raises(LaunchError):
        launch(aws, image)
    assert len(ec2.places()) == 1
    assert nothing_left(aws)


def test_a_type_that_the_region_does_not_know_is_passed_over(aws: Aws, image: dict[str, Any], ec2: Ec2) -> None:
    ec2.refuse = lambda kind, _: (400, "InvalidParameterValue") if kind == "t3.micro" else None
    assert launch(aws, image) == "t3a.micro in eu-central-1a"
    assert len(ec2.places()) == 2


def test_a_type_that_was_asked_for_and_does_not_exist_is_the_users_mistake(
    aws: Aws, image: dict[str, Any], ec2: Ec2
) -> None:
    ec2.refuse = lambda _kind, _zone: (400, "InvalidParameterValue")
    with pytest.raises(UsageError, match="InvalidParameterValue"):
        launch(aws, image, instance_type="t9.micro")


def test_zones_that_do_not_offer_the_type_are_not_asked(aws: Aws, image: dict[str, Any], ec2: Ec2) -> None:
    offered = {"InstanceTypeOfferings": [{"InstanceType": "t3.small", "Location": ZONES[1]}]}
    with answering(aws, "DescribeInstanceTypeOfferings", 200, offered):
        assert launch(aws, image) == "t3.small in eu-central-1b"
    assert len(ec2.places()) == 1


def test_without_the_permission_to_ask_for_offerings_all_places_are_tried(
    aws: Aws, image: dict[str, Any], ec2: Ec2
) -> None:
    with answering(aws, "DescribeInstanceTypeOfferings", 403, {"Error": {"Code": "UnauthorizedOperation"}}):
        assert launch(aws, image) == "t3.micro in eu-central-1a"


def test_a_region_without_a_default_vpc_needs_a_subnet_and_says_so(aws: Aws, image: dict[str, Any]) -> None:
    with answering(aws, "DescribeVpcs", 200, {"Vpcs": []}), pytest.raises(UsageError, match="no default VPC") as caught:
        launch(aws, image)
    assert "--subnet" in caught.value.hint


def test_a_default_vpc_without_default_subnets_needs_a_subnet_and_says_so(aws: Aws, image: dict[str, Any]) -> None:
    with answering(aws, "DescribeSubnets", 200, {"Subnets": []}), pytest.raises(UsageError, match="no default subnet"):
        launch(aws, image)


def test_a_subnet_with_ipv6_alone_is_refused(aws: Aws, image: dict[str, Any]) -> None:
    six = {"SubnetId": "subnet-6", "VpcId": "vpc-6", "AvailabilityZone": ZONES[0], "Ipv6Native": True}
    with answering(aws, "DescribeSubnets", 200, {"Subnets": [six]}), pytest.raises(UsageError, match="IPv6 only"):
        launch(aws, image, subnet="subnet-6")


@pytest.mark.trap(62)
def test_an_image_that_nothing_boots_is_told_with_what_it_needs(aws: Aws, image: dict[str, Any]) -> None:
    with pytest.raises(LaunchError, match="arm64_mac") as caught:
        launch(aws, {**image, "Architecture": "arm64_mac"})
    assert "--instance-type" in caught.value.hint
    assert nothing_left(aws)


@pytest.mark.parametrize("maps", [True, False])
@pytest.mark.parametrize("wanted", ["public", "private"])
def test_a_public_address_is_given_as_wanted_whatever_the_subnet_does(
    aws: Aws, image: dict[str, Any], ec2: Ec2, *, maps: bool, wanted: str
) -> None:
    vpc = aws.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = aws.ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]
    aws.ec2.modify_subnet_attribute(SubnetId=subnet["SubnetId"], MapPublicIpOnLaunch={"Value": maps})
    ec2._zones[subnet["SubnetId"]] = subnet["AvailabilityZone"]
    with open_run(aws, runner_cidr=RUNNER, pause_s=0, subnet=subnet["SubnetId"], ssh_address=wanted) as run:  # type: ignore[arg-type] # one of both
        machine = run.launch(image, "A")
        assert machine.look().address.startswith("10.") is (wanted == "private")
        found = aws.ec2.describe_instances(InstanceIds=[machine.instance_id])["Reservations"][0]["Instances"][0]
        [group] = found["NetworkInterfaces"][0]["Groups"]
        assert group["GroupName"] == f"amigate-{run.run_id}-group"
    [body] = ec2.asked
    explicit = body.get("NetworkInterface.1.AssociatePublicIpAddress")
    assert explicit == (None if maps is (wanted == "public") else str(wanted == "public").lower())


def test_a_launch_whose_answer_is_lost_after_a_fall_back_is_removed_all_the_same(
    aws: Aws, image: dict[str, Any], ec2: Ec2
) -> None:
    ec2.refuse = lambda kind, _: (500, "InsufficientInstanceCapacity") if kind == "t3.micro" else None

    def lose(**_: object) -> None:
        if len(ec2.asked) > len(ZONES):
            raise ConnectionClosedError(endpoint_url="https://ec2.eu-central-1.amazonaws.com")

    aws.ec2.meta.events.register("after-call.ec2.RunInstances", lose)
    try:
        with pytest.raises(LaunchError, match="does not answer"):
            launch(aws, image)
    finally:
        aws.ec2.meta.events.unregister("after-call.ec2.RunInstances", lose)
    assert len(aws.ec2.describe_instances()["Reservations"]) == 1
    assert nothing_left(aws)


def test_no_further_place_is_tried_once_the_user_wants_an_end(aws: Aws, image: dict[str, Any], ec2: Ec2) -> None:
    def refuse(_kind: str, _zone: str) -> tuple[int, str]:
        if len(ec2.asked) == 2:
            run.interrupted = lambda: True
        return 500, "InsufficientInstanceCapacity"

    ec2.refuse = refuse
    with open_run(aws, runner_cidr=RUNNER, pause_s=0) as run, pytest.raises(LaunchError, match="over"):
        run.launch(image, "A")
    assert len(ec2.places()) == 2
    assert nothing_left(aws)


def test_what_is_tried_next_is_said(aws: Aws, image: dict[str, Any], ec2: Ec2) -> None:
    said: list[str] = []
    ec2.refuse = lambda _kind, zone: (500, "InsufficientInstanceCapacity") if zone == ZONES[0] else None
    launch(aws, image, progress=said.append)
    assert said[0] == ("t3.micro in eu-central-1a: InsufficientInstanceCapacity; trying t3.micro in eu-central-1b")


def test_two_launches_at_once_fall_back_each_for_itself(aws: Aws, image: dict[str, Any], ec2: Ec2) -> None:
    ec2.refuse = lambda _kind, zone: (500, "InsufficientInstanceCapacity") if zone == ZONES[0] else None
    with open_run(aws, runner_cidr=RUNNER, pause_s=0) as run, ThreadPoolExecutor(2) as pool:
        machines = list(pool.map(lambda label: run.launch(image, label), ["A", "B"]))
    assert [machine.placement for machine in machines] == ["t3.micro in eu-central-1b"] * 2
    assert len({body["ClientToken"] for body in ec2.asked}) == 4
    assert nothing_left(aws)
