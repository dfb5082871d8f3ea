"""What a run makes in an account, and that nothing of it stays, whatever goes wrong at whichever call."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager, suppress
from ipaddress import IPv4Network
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ConnectionClosedError

from amigate.errors import AwsError, LaunchError, UsageError
from amigate.profile import Egress
from amigate.sources.launch import open_run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from amigate.sources.aws import Aws
    from amigate.sources.machine import Machine

RUNNER = "203.0.113.7/32"
CALLS = 24
"""API calls of two launches and their removal, as counted by a test below."""


def image_of(aws: Aws, ami_id: str) -> dict[str, Any]:
    return dict(aws.ec2.describe_images(ImageIds=[ami_id])["Images"][0])


def leftovers(aws: Aws) -> list[str]:
    """Whatever a run may have forgotten."""
    reservations = aws.ec2.describe_instances()["Reservations"]
    instances = [instance for reservation in reservations for instance in reservation["Instances"]]
    return [
        *(i["InstanceId"] for i in instances if i["State"]["Name"] != "terminated"),
        *(key["KeyName"] for key in aws.ec2.describe_key_pairs()["KeyPairs"]),
        *(
            group["GroupId"]
            for group in aws.ec2.describe_security_groups()["SecurityGroups"]
            if group["GroupName"] != "default"
        ),
        *(volume["VolumeId"] for volume in aws.ec2.describe_volumes()["Volumes"]),
    ]


def launch_two(aws: Aws, image: dict[str, Any], say: Callable[[str], None] = lambda _: None) -> None:
    """Go through a run's dealings with EC2."""
    with open_run(aws, runner_cidr=RUNNER, pause_s=0, progress=say) as run:
        run.launch(image, "A")
        run.launch(image, "B")


def launch_two_or_error(aws: Aws, image: dict[str, Any]) -> str:
    """Do the same; return what the user is told when it fails."""
    try:
        launch_two(aws, image)
    except LaunchError as error:
        return str(error)
    return ""


@contextmanager
def answers(aws: Aws, operation: str, *given: Any) -> Iterator[None]:
    """Answer the next calls of `operation` with `given`, in place of the real answers; the last one for ever."""
    left = list(given)

    def answer(**_: object) -> Any:
        return left.pop(0) if len(left) > 1 else left[0]

    aws.ec2.meta.events.register(f"before-call.ec2.{operation}", answer)
    try:
        yield
    finally:
        aws.ec2.meta.events.unregister(f"before-call.ec2.{operation}", answer)


@contextmanager
def fault(
    aws: Aws, at: int, act: Callable[[], Any], *, after: bool = False, lasting: bool = False
) -> Iterator[list[str]]:
    """Do something at the n-th call to EC2, before it is sent or after it was carried out; give the calls made."""
    calls: list[str] = []

    def is_due() -> bool:
        return len(calls) == at or (lasting and len(calls) > at)

    def before_call(model: Any, **_: object) -> Any:
        calls.append(model.name)
        return act() if is_due() and not after else None

    def after_call(**_: object) -> None:
        if is_due() and after:
            act()

    events = aws.ec2.meta.events
    events.register("before-call.ec2", before_call)
    events.register("after-call.ec2", after_call)
    try:
        yield calls
    finally:
        events.unregister("before-call.ec2", before_call)
        events.unregister("after-call.ec2", after_call)


def refuse(code: str, status: int) -> Callable[[], Any]:
    """Give an answer in place of the real one, as botocore would have parsed it."""
    answer = {"Error": {"Code": code, "Message": "no"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return lambda: (SimpleNamespace(status_code=status), answer)


def lose_answer() -> None:
    raise ConnectionClosedError(endpoint_url="https://ec2.eu-central-1.amazonaws.com")


def interrupt() -> None:
    signal.raise_signal(signal.SIGINT)


@pytest.fixture
def image(aws: Aws, ami_id: str) -> dict[str, Any]:
    return image_of(aws, ami_id)


def launched(aws: Aws, machine: Machine) -> dict[str, Any]:
    answer = aws.ec2.describe_instances(InstanceIds=[machine.instance_id])
    return dict(answer["Reservations"][0]["Instances"][0])


def test_two_launches_and_their_removal_take_few_calls(aws: Aws, image: dict[str, Any]) -> None:
    with fault(aws, 0, lambda: None) as calls:
        launch_two(aws, image)
    assert len(calls) == CALLS
    assert not leftovers(aws)


def test_an_instance_is_launched_without_role_or_user_data_and_with_imdsv2_required(
    aws: Aws, image: dict[str, Any]
) -> None:
    with open_run(aws, runner_cidr=RUNNER, pause_s=0, lifetime_s=3600) as run:
        machine = run.launch(image, "A")
        instance = launched(aws, machine)
        assert instance["MetadataOptions"]["HttpTokens"] == "required"
        assert instance["MetadataOptions"]["HttpPutResponseHopLimit"] == 1
        assert instance["MetadataOptions"]["InstanceMetadataTags"] == "disabled"
        assert "IamInstanceProfile" not in instance
        behaviour = aws.ec2.describe_instance_attribute(
            InstanceId=machine.instance_id, Attribute="instanceInitiatedShutdownBehavior"
        )
        assert behaviour["InstanceInitiatedShutdownBehavior"]["Value"] == "terminate"
        assert instance["ClientToken"] == f"amigate-{run.run_id}-A-1"
        tags = {tag["Key"]: tag["Value"] for tag in instance["Tags"]}
        assert tags["amigate:run"] == run.run_id
        assert tags["amigate:expires"].endswith("+00:00")
        assert tags["amigate:managed"] == "true"
        assert tags["Name"] == f"amigate-{run.run_id}-A"
        assert "PRIVATE" not in repr(machine)


def test_everything_carries_the_tag_of_the_run(aws: Aws, image: dict[str, Any]) -> None:
    with open_run(aws, runner_cidr=RUNNER, pause_s=0) as run:
        run.launch(image, "A")
        ours = aws.ec2.describe_tags(Filters=[{"Name": "key", "Values": ["amigate:run"]}])["Tags"]
        kinds = {tag["ResourceType"] for tag in ours if tag["Value"] == run.run_id}
        assert kinds >= {"instance", "volume", "key-pair", "security-group"}


def test_each_launch_has_a_key_of_its_own(aws: Aws, image: dict[str, Any]) -> None:
    with open_run(aws, runner_cidr=RUNNER, pause_s=0) as run:
        first, second = run.launch(image, "A"), run.launch(image, "B")
        assert first.key.fingerprint != second.key.fingerprint
        assert {key["KeyType"] for key in aws.ec2.describe_key_pairs()["KeyPairs"]} == {"ed25519"}


def test_the_security_group_lets_the_runner_in_on_one_port_and_nobody_out(aws: Aws, image: dict[str, Any]) -> None:
    with open_run(aws, runner_cidr=RUNNER, ssh_port=2222, pause_s=0) as run:
        machine = run.launch(image, "A")
        [used] = launched(aws, machine)["SecurityGroups"]
        [group] = aws.ec2.describe_security_groups(GroupIds=[used["GroupId"]])["SecurityGroups"]
        [rule] = group["IpPermissions"]
        assert (rule["IpProtocol"], rule["FromPort"], rule["ToPort"]) == ("tcp", 2222, 2222)
        assert [allowed["CidrIp"] for allowed in rule["IpRanges"]] == [RUNNER]
        assert not group["IpPermissionsEgress"]


def test_the_security_group_lets_out_what_the_profile_lists_and_nothing_else(aws: Aws, image: dict[str, Any]) -> None:
    egress = [
        Egress(cidr=IPv4Network("10.0.0.0/8"), port=443),
        Egress(prefix_list="pl-63a5400a", port=53, protocol="udp"),
    ]
    with open_run(aws, runner_cidr=RUNNER, egress=egress, pause_s=0) as run:
        [used] = launched(aws, run.launch(image, "A"))["SecurityGroups"]
        [group] = aws.ec2.describe_security_groups(GroupIds=[used["GroupId"]])["SecurityGroups"]
        by_port = {rule["FromPort"]: rule for rule in group["IpPermissionsEgress"]}
        assert by_port.keys() == {443, 53}
        assert [(each["CidrIp"]) for each in by_port[443]["IpRanges"]] == ["10.0.0.0/8"]
        assert [(each["PrefixListId"]) for each in by_port[53]["PrefixListIds"]] == ["pl-63a5400a"]
        assert by_port[53]["IpProtocol"] == "udp"
    assert not leftovers(aws)


def test_a_launch_without_a_key_has_none(aws: Aws, image: dict[str, Any]) -> None:
    with open_run(aws, runner_cidr=RUNNER, pause_s=0) as run:
        machine = run.launch(image, "keyless", keyless=True)
        assert machine.keyless
        assert "KeyName" not in launched(aws, machine)
        assert aws.ec2.describe_key_pairs()["KeyPairs"] == []
    assert not leftovers(aws)


def test_a_builder_stops_when_it_is_shut_down(aws: Aws, image: dict[str, Any]) -> None:
    with open_run(aws, runner_cidr=RUNNER, pause_s=0) as run:
        builder = run.launch(image, "builder", stop_on_shutdown=True)
        behaviour = aws.ec2.describe_instance_attribute(
            InstanceId=builder.instance_id, Attribute="instanceInitiatedShutdownBehavior"
        )
        assert behaviour["InstanceInitiatedShutdownBehavior"]["Value"] == "stop"


def test_a_subnet_brings_the_security_group_into_its_vpc(aws: Aws, image: dict[str, Any]) -> None:
    vpc = aws.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = aws.ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    with open_run(aws, runner_cidr=RUNNER, subnet=subnet, pause_s=0) as run:
        assert launched(aws, run.launch(image, "A"))["SubnetId"] == subnet


@pytest.mark.parametrize(
    "architecture,ena,expected",
    [
        ("x86_64", True, "t3.micro"),
        ("x86_64", False, "t2.micro"),
        ("i386", False, "t2.micro"),
        ("arm64", True, "t4g.micro"),
    ],
)
def test_the_instance_type_follows_the_image(
    aws: Aws, image: dict[str, Any], architecture: str, *, ena: bool, expected: str
) -> None:
    image |= {"Architecture": architecture, "EnaSupport": ena, "BootMode": "legacy-bios"}
    with open_run(aws, runner_cidr=RUNNER, pause_s=0) as run:
        assert launched(aws, run.launch(image, "A"))["InstanceType"] == expected


def test_the_instance_type_can_be_given(aws: Aws, image: dict[str, Any]) -> None:
    with open_run(aws, runner_cidr=RUNNER, instance_type="m5.large", pause_s=0) as run:
        assert launched(aws, run.launch(image, "A"))["InstanceType"] == "m5.large"


def test_nothing_is_made_for_a_runner_that_is_everybody(aws: Aws) -> None:
    with pytest.raises(UsageError, match="never opened"), open_run(aws, runner_cidr="0.0.0.0/0"):
        pass


@pytest.mark.parametrize("at", range(1, CALLS + 1))
@pytest.mark.parametrize("code,status", [("RequestLimitExceeded", 503), ("InternalError", 500)])
def test_nothing_stays_when_a_call_is_refused(aws: Aws, image: dict[str, Any], at: int, code: str, status: int) -> None:
    with fault(aws, at, refuse(code, status)):
        problem = launch_two_or_error(aws, image)
    assert not problem or code in problem
    assert not leftovers(aws)


@pytest.mark.parametrize("at", range(1, CALLS + 1))
def test_nothing_stays_when_the_answer_of_a_call_is_lost(aws: Aws, image: dict[str, Any], at: int) -> None:
    with fault(aws, at, lose_answer, after=True):
        problem = launch_two_or_error(aws, image)
    assert not problem or "does not answer" in problem
    assert not leftovers(aws)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("at", range(1, CALLS + 1))
def test_nothing_stays_when_ctrl_c_is_pressed_at_a_call(
    aws: Aws, image: dict[str, Any], at: int, *, after: bool
) -> None:
    with fault(aws, at, interrupt, after=after), suppress(KeyboardInterrupt):
        launch_two(aws, image)
    assert not leftovers(aws)


@pytest.mark.parametrize("at", range(4, CALLS + 1, 3))
def test_nothing_stays_when_ctrl_c_is_pressed_again_and_again(aws: Aws, image: dict[str, Any], at: int) -> None:
    said: list[str] = []
    with fault(aws, at, interrupt, lasting=True), suppress(KeyboardInterrupt):
        launch_two(aws, image, said.append)
    assert not leftovers(aws)
    assert any("please wait" in text for text in said)


@pytest.mark.parametrize("at", range(1, CALLS + 1))
def test_nothing_stays_when_the_terminal_is_gone(aws: Aws, image: dict[str, Any], at: int) -> None:
    def broken(_: str) -> None:
        raise BrokenPipeError

    with fault(aws, at, lambda: signal.raise_signal(signal.SIGHUP)), suppress(KeyboardInterrupt):
        launch_two(aws, image, broken)
    assert not leftovers(aws)


def test_nothing_stays_when_the_block_raises(aws: Aws, image: dict[str, Any]) -> None:
    def fail() -> None:
        with open_run(aws, runner_cidr=RUNNER, pause_s=0) as run:
            run.launch(image, "A")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert not leftovers(aws)


def test_a_volume_that_outlives_its_instance_is_removed(aws: Aws, image: dict[str, Any]) -> None:
    with open_run(aws, runner_cidr=RUNNER, pause_s=0) as run:
        machine = run.launch(image, "A")
        extra = aws.ec2.create_volume(
            Size=1,
            AvailabilityZone=launched(aws, machine)["Placement"]["AvailabilityZone"],
            TagSpecifications=[{"ResourceType": "volume", "Tags": [{"Key": "amigate:run", "Value": run.run_id}]}],
        )
        aws.ec2.attach_volume(InstanceId=machine.instance_id, VolumeId=extra["VolumeId"], Device="/dev/sdx")
    assert not leftovers(aws)


def test_what_cannot_be_removed_is_named_with_the_command_that_removes_it(aws: Aws, image: dict[str, Any]) -> None:
    denied = refuse("UnauthorizedOperation", 403)()
    with answers(aws, "DeleteSecurityGroup", denied), pytest.raises(AwsError) as caught:
        launch_two(aws, image)
    [group_id] = leftovers(aws)
    assert str(caught.value) == f"this run could not remove security group {group_id}"
    assert f"aws ec2 --region eu-central-1 delete-security-group --group-id {group_id}" in caught.value.hint


def test_a_missing_permission_to_launch_is_named(aws: Aws, image: dict[str, Any]) -> None:
    denied = refuse("UnauthorizedOperation", 403)()
    with answers(aws, "RunInstances", denied), pytest.raises(LaunchError) as caught:
        launch_two(aws, image)
    assert "RunInstances needs the permission ec2:RunInstances" in str(caught.value)
    assert not leftovers(aws)


def test_what_was_just_made_may_be_unknown_for_a_while(aws: Aws, image: dict[str, Any]) -> None:
    unknown = [refuse(f"Invalid{kind}.NotFound", 400)() for kind in ("Group", "KeyPair")]
    with answers(aws, "RunInstances", *unknown, None):
        launch_two(aws, image)
    assert not leftovers(aws)


def test_a_run_that_is_over_launches_nothing(aws: Aws, image: dict[str, Any]) -> None:
    with open_run(aws, runner_cidr=RUNNER, pause_s=0) as run:
        pass
    with pytest.raises(LaunchError, match="over"):
        run.launch(image, "A")


def test_a_subnet_that_is_not_there_is_the_users_mistake(aws: Aws, image: dict[str, Any]) -> None:
    for subnet in ("subnet-0123456789abcdef0", "subnet-nonsense"):
        with (
            pytest.raises(UsageError, match=f"no subnet {subnet}"),
            open_run(aws, runner_cidr=RUNNER, pause_s=0, subnet=subnet) as run,
        ):
            run.launch(image, "A")
    assert not leftovers(aws)


def test_the_end_of_a_run_waits_for_a_launch_that_nobody_waits_for(aws: Aws, image: dict[str, Any]) -> None:
    """A second Ctrl-C breaks off the wait for a thread that launches; its instance must not outlive the run."""
    asked, over = threading.Event(), threading.Event()

    def hold(**_: object) -> None:
        asked.set()
        over.wait(0.5)  # the run is closed meanwhile

    aws.ec2.meta.events.register("before-call.ec2.RunInstances", hold)
    try:
        with open_run(aws, runner_cidr=RUNNER, pause_s=0) as run:
            thread = threading.Thread(target=run.launch, args=(image, "A"))
            thread.start()
            assert asked.wait(5)
    finally:
        aws.ec2.meta.events.unregister("before-call.ec2.RunInstances", hold)
    thread.join()
    assert not leftovers(aws)


def test_a_run_that_launches_nothing_asks_nothing(aws: Aws) -> None:
    with fault(aws, 0, lambda: None) as calls, open_run(aws, runner_cidr=RUNNER):
        pass
    assert not calls


def test_resources_of_others_are_not_touched(aws: Aws, image: dict[str, Any]) -> None:
    theirs = aws.ec2.run_instances(ImageId=image["ImageId"], MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"]
    aws.ec2.create_key_pair(KeyName="theirs")
    before = leftovers(aws)
    launch_two(aws, image)
    assert theirs in before
    assert leftovers(aws) == before


def test_an_image_that_vanished_is_a_launch_error(aws: Aws, image: dict[str, Any]) -> None:
    with pytest.raises(LaunchError, match="ami-0123456789abcdef0"):
        launch_two(aws, {**image, "ImageId": "ami-0123456789abcdef0"})
    assert not leftovers(aws)
