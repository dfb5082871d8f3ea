"""What a killed run leaves is removed later, and nothing that is somebody else's."""

from __future__ import annotations

import threading
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ConnectionClosedError

from amigate.errors import AwsError
from amigate.sources import reaping
from amigate.sources.launch import AccountRun, open_run
from amigate.sources.reaping import Kind, Reaped, Thing, find, reap_behind, remove, sort

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from amigate.sources.aws import Aws

RUNNER = "203.0.113.7/32"
NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
IMAGE = {"Architecture": "x86_64", "EnaSupport": True, "BootMode": "legacy-bios"}
REAP_CALLS = 12
"""API calls of a reap of two launches, as counted by a test below."""


@pytest.fixture
def image(ami_id: str) -> dict[str, Any]:
    return {"ImageId": ami_id, **IMAGE}


def killed_run(aws: Aws, image: dict[str, Any], *, lifetime_s: int = -1) -> str:
    """Launch two instances as a run does, and end as if by SIGKILL; return the id of the run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(AccountRun, "close", lambda _: None)
        with open_run(aws, runner_cidr=RUNNER, pause_s=0, lifetime_s=lifetime_s, reap=False) as run:
            run.launch(image, "A")
            run.launch(image, "B")
            zone = aws.ec2.describe_subnets()["Subnets"][0]["AvailabilityZone"]
            tags = run._tags("A", "volume")
            aws.ec2.create_volume(Size=1, AvailabilityZone=zone, TagSpecifications=tags)
    return run.run_id


def present(aws: Aws) -> set[str]:
    """All that there is in the account and could be removed."""
    instances = [i for r in aws.ec2.describe_instances()["Reservations"] for i in r["Instances"]]
    return {
        *(i["InstanceId"] for i in instances if i["State"]["Name"] != "terminated"),
        *(key["KeyName"] for key in aws.ec2.describe_key_pairs()["KeyPairs"]),
        *(g["GroupId"] for g in aws.ec2.describe_security_groups()["SecurityGroups"] if g["GroupName"] != "default"),
        *(volume["VolumeId"] for volume in aws.ec2.describe_volumes()["Volumes"]),
    }


def spec(kind: str, tags: dict[str, str]) -> list[Any]:
    return [{"ResourceType": kind, "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}]


PAST, FUTURE = "2020-01-01T00:00:00+00:00", "2120-01-01T00:00:00+00:00"
FOREIGN = [
    {},
    {"Name": "amigate-0123456789-A"},
    {"amigate:expires": PAST},
    {"amigate:managed": "true", "amigate:expires": PAST},
    {"amigate:run": "", "amigate:expires": PAST},
    {"Amigate:Run": "0123456789", "amigate:expires": PAST},
    {"amigate:run:old": "0123456789", "amigate:expires": PAST},
    {"amigate:run": "0123456789", "amigate:expires": FUTURE},
    {"amigate:run": "0123456789"},
    {"amigate:run": "0123456789", "amigate:expires": ""},
    {"amigate:run": "0123456789", "amigate:expires": "yesterday"},
    {"amigate:run": "0123456789", "amigate:expires": "2020-01-01T00:00:00"},
    {"amigate:run": "0123456789", "amigate:expires": "0"},
    {"amigate:run": "*", "amigate:expires": "\u202e0202"},
]
"""Tags of things that no reap may touch."""


def foreign_things(aws: Aws, ami_id: str) -> set[str]:
    """Make an instance, a group, a key pair and a volume with each of the FOREIGN tags; return what there is then."""
    zone = aws.ec2.describe_subnets()["Subnets"][0]["AvailabilityZone"]
    for number, tags in enumerate(FOREIGN):
        name = f"amigate-0123456789-{number}"
        given = {"TagSpecifications": spec("instance", tags)} if tags else {}
        aws.ec2.run_instances(ImageId=ami_id, MinCount=1, MaxCount=1, **given)  # type: ignore[arg-type]
        group: Any = {"TagSpecifications": spec("security-group", tags)} if tags else {}
        aws.ec2.create_security_group(GroupName=name, Description="theirs", **group)
        pair: Any = {"TagSpecifications": spec("key-pair", tags)} if tags else {}
        aws.ec2.create_key_pair(KeyName=name, KeyType="ed25519", **pair)
        volume: Any = {"TagSpecifications": spec("volume", tags)} if tags else {}
        aws.ec2.create_volume(Size=1, AvailabilityZone=zone, **volume)
    return present(aws)


def reap(aws: Aws, run_id: str | None = None) -> Reaped:
    due = sort(find(aws), now=datetime.now(UTC), run_id=run_id).due
    return remove(aws, due, say=lambda _: None, pause_s=0)


def test_all_that_a_killed_run_left_is_removed_and_nothing_of_others(aws: Aws, image: dict[str, Any]) -> None:
    theirs = foreign_things(aws, image["ImageId"])
    killed_run(aws, image)
    assert len(present(aws)) > len(theirs)
    reaped = reap(aws)
    assert present(aws) == theirs
    assert reaped.left == ()
    assert sorted(what.rpartition(" ")[0] for what in reaped.removed) == [
        *["instance"] * 2,
        *["key pair"] * 2,
        "security group",
        "volume",
    ]
    assert reap(aws) == Reaped(removed=(), left=())


def test_a_run_that_may_still_be_going_on_is_left_alone(aws: Aws, image: dict[str, Any]) -> None:
    killed_run(aws, image, lifetime_s=600)
    before = present(aws)
    assert reap(aws) == Reaped(removed=(), left=())
    assert present(aws) == before


def test_a_run_that_is_named_is_removed_before_it_expires_and_no_other(aws: Aws, image: dict[str, Any]) -> None:
    other = killed_run(aws, image)
    before = present(aws)
    named = killed_run(aws, image, lifetime_s=600)
    reap(aws, named)
    assert present(aws) == before
    assert {thing.run for thing in find(aws)} == {other}


@pytest.mark.parametrize("pattern", ["*", "?" * 10, "", "0123456789 "])
def test_the_name_of_a_run_is_no_pattern(aws: Aws, image: dict[str, Any], pattern: str) -> None:
    killed_run(aws, image)
    before = present(aws)
    assert reap(aws, pattern) == Reaped(removed=(), left=())
    assert present(aws) == before


@pytest.mark.parametrize(
    "expires,verdict",
    [
        ("2026-05-01T12:00:00+00:00", "due"),
        ("2026-05-01T11:59:59Z", "due"),
        ("2026-05-01T13:59:59+02:00", "due"),
        ("2026-05-01T12:00:01+00:00", "waiting"),
        ("2026-05-01T11:00:00-02:00", "waiting"),
        ("9999-12-31T23:59:59+00:00", "waiting"),
        ("2026-05-01T11:00:00", "unclear"),
        ("2026-05-01", "unclear"),
        ("", "unclear"),
        ("never", "unclear"),
        ("1777636800", "unclear"),
        ("2026-13-01T00:00:00Z", "unclear"),
    ],
)
def test_only_a_moment_that_is_told_whole_and_is_past_makes_a_thing_due(expires: str, verdict: str) -> None:
    thing = Thing(kind=Kind.INSTANCE, id="i-1", run="r", expires=expires)
    found = sort([thing], now=NOW)
    assert [name for name in ("due", "waiting", "unclear") if getattr(found, name)] == [verdict]


def test_an_endpoint_that_does_not_filter_does_not_make_us_remove_others(aws: Aws, image: dict[str, Any]) -> None:
    theirs = foreign_things(aws, image["ImageId"])
    run_id = killed_run(aws, image)
    unfiltered: Any = lambda params, **_: params.pop("Filters", None)  # noqa: E731 - a hook of one line
    aws.ec2.meta.events.register("provide-client-params.ec2.Describe*", unfiltered)
    aws.ec2.meta.events.register("before-parameter-build.ec2", unfiltered)
    try:
        due = sort(find(aws), now=datetime.now(UTC)).due
    finally:
        aws.ec2.meta.events.unregister("provide-client-params.ec2.Describe*", unfiltered)
        aws.ec2.meta.events.unregister("before-parameter-build.ec2", unfiltered)
    assert {thing.run for thing in due} == {run_id}
    assert not {thing.id for thing in due} & theirs


@contextmanager
def fault(aws: Aws, at: int, act: Callable[[], Any], *, after: bool = False) -> Iterator[list[str]]:
    """Do something at the n-th call, before it is sent or after it was carried out; give the calls made."""
    calls: list[str] = []

    def before_call(model: Any, **_: object) -> Any:
        calls.append(model.name)
        return act() if len(calls) == at and not after else None

    def after_call(**_: object) -> None:
        if len(calls) == at and after:
            act()

    events = aws.ec2.meta.events
    events.register("before-call.ec2", before_call)
    events.register("after-call.ec2", after_call)
    try:
        yield calls
    finally:
        events.unregister("before-call.ec2", before_call)
        events.unregister("after-call.ec2", after_call)


def refusal(code: str, status: int) -> Any:
    return SimpleNamespace(status_code=status), {
        "Error": {"Code": code, "Message": "no"},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }


def lose_answer() -> None:
    raise ConnectionClosedError(endpoint_url="https://ec2.eu-central-1.amazonaws.com")


def test_a_reap_takes_few_calls(aws: Aws, image: dict[str, Any]) -> None:
    killed_run(aws, image)
    with fault(aws, 0, lambda: None) as calls:
        reap(aws)
    assert len(calls) == REAP_CALLS


@pytest.mark.parametrize("at", range(1, REAP_CALLS + 1))
@pytest.mark.parametrize(
    "code,status", [("RequestLimitExceeded", 503), pytest.param("InternalError", 500, marks=pytest.mark.slow)]
)
def test_a_call_that_is_refused_once_is_made_up_for_by_this_reap_or_the_next(
    aws: Aws, image: dict[str, Any], at: int, code: str, status: int
) -> None:
    theirs = foreign_things(aws, image["ImageId"])
    killed_run(aws, image)
    with fault(aws, at, lambda: refusal(code, status)), suppress(AwsError):
        reap(aws)
    reap(aws)
    assert present(aws) == theirs


@pytest.mark.parametrize("at", range(1, REAP_CALLS + 1))
def test_an_answer_that_is_lost_is_made_up_for(aws: Aws, image: dict[str, Any], at: int) -> None:
    killed_run(aws, image)
    with fault(aws, at, lose_answer, after=True), suppress(AwsError):
        reap(aws)
    reap(aws)
    assert present(aws) == set()


def test_what_cannot_be_removed_is_named_with_its_command_and_all_else_is_removed(
    aws: Aws, image: dict[str, Any]
) -> None:
    killed_run(aws, image)
    [group] = [thing for thing in find(aws) if thing.kind is Kind.GROUP]

    def deny(**_: object) -> Any:
        return refusal("UnauthorizedOperation", 403)

    aws.ec2.meta.events.register("before-call.ec2.DeleteSecurityGroup", deny)
    try:
        reaped = reap(aws)
    finally:
        aws.ec2.meta.events.unregister("before-call.ec2.DeleteSecurityGroup", deny)
    assert present(aws) == {group.id}
    assert [left.what for left in reaped.left] == [f"security group {group.id}"]
    assert reaped.left[0].command == f"aws ec2 --region eu-central-1 delete-security-group --group-id {group.id}"


def test_a_key_pairs_name_is_quoted_in_its_command(aws: Aws) -> None:
    name = "x; rm -rf ~"
    aws.ec2.create_key_pair(KeyName=name, TagSpecifications=spec("key-pair", {"amigate:run": "r"}))

    def deny(**_: object) -> Any:
        return refusal("UnauthorizedOperation", 403)

    aws.ec2.meta.events.register("before-call.ec2.DeleteKeyPair", deny)
    try:
        reaped = reap(aws, "r")
    finally:
        aws.ec2.meta.events.unregister("before-call.ec2.DeleteKeyPair", deny)
    assert reaped.left[0].command.endswith("delete-key-pair --key-name 'x; rm -rf ~'")


def test_a_volume_that_others_have_attached_goes_with_their_instance_not_with_us(
    aws: Aws, image: dict[str, Any]
) -> None:
    theirs = aws.ec2.run_instances(ImageId=image["ImageId"], MinCount=1, MaxCount=1)["Instances"][0]
    root = theirs["BlockDeviceMappings"][0]["Ebs"]["VolumeId"]
    aws.ec2.create_tags(
        Resources=[root], Tags=[{"Key": "amigate:run", "Value": "r"}, {"Key": "amigate:expires", "Value": PAST}]
    )
    before = present(aws)
    reap(aws)
    assert present(aws) == before


def test_the_next_run_removes_what_an_earlier_one_left(aws: Aws, image: dict[str, Any]) -> None:
    theirs = foreign_things(aws, image["ImageId"])
    killed_run(aws, image)
    said: list[str] = []
    with open_run(aws, runner_cidr=RUNNER, pause_s=0, progress=said.append) as run:
        run.launch(image, "A")
    assert present(aws) == theirs
    assert "removed what earlier runs had left: instance i-" in said[-1]


def test_a_run_that_fails_reaps_too_as_the_leftovers_may_be_why(aws: Aws, image: dict[str, Any]) -> None:
    killed_run(aws, image)
    with suppress(ZeroDivisionError), open_run(aws, runner_cidr=RUNNER, pause_s=0) as run:
        run.launch(image, "A")
        raise ZeroDivisionError
    assert present(aws) == set()


def test_a_run_may_lack_the_permission_to_look_for_leftovers(aws: Aws, image: dict[str, Any]) -> None:
    said: list[str] = []

    def deny(**_: object) -> Any:
        return refusal("UnauthorizedOperation", 403)

    aws.ec2.meta.events.register("before-call.ec2.DescribeKeyPairs", deny)
    try:
        with open_run(aws, runner_cidr=RUNNER, pause_s=0, progress=said.append) as run:
            run.launch(image, "A")
    finally:
        aws.ec2.meta.events.unregister("before-call.ec2.DescribeKeyPairs", deny)
    assert "did not look for what earlier runs may have left" in said[-1]
    assert present(aws) == set()


def test_a_run_does_not_wait_for_leftovers_that_will_not_go(aws: Aws, image: dict[str, Any]) -> None:
    killed_run(aws, image)
    said: list[str] = []

    def in_use(**_: object) -> Any:
        return refusal("DependencyViolation", 400)

    aws.ec2.meta.events.register("before-call.ec2.DeleteSecurityGroup", in_use)
    try:
        reap_behind(aws, "another", said.append)
    finally:
        aws.ec2.meta.events.unregister("before-call.ec2.DeleteSecurityGroup", in_use)
    assert said[0].startswith("removed what earlier runs had left: instance")
    assert said[1].startswith("earlier runs left security group sg-")
    assert len(present(aws)) == 1


def test_a_run_does_not_take_itself_for_a_leftover(aws: Aws, image: dict[str, Any]) -> None:
    run_id = killed_run(aws, image)
    before = present(aws)
    reap_behind(aws, run_id, lambda _: None)
    assert present(aws) == before


def test_a_reap_that_hangs_does_not_hold_up_the_run(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()
    monkeypatch.setattr(reaping, "HASTE_S", 0.01)
    monkeypatch.setattr(reaping, "_reap_behind", lambda *_: over.wait(60))
    reap_behind(aws, "another", lambda _: None)
    assert not over.is_set()
    over.set()


def test_an_expiry_is_written_so_that_a_reap_can_read_it(aws: Aws, image: dict[str, Any]) -> None:
    killed_run(aws, image, lifetime_s=600)
    moments = {thing.expired_at for thing in find(aws)}
    [moment] = moments
    assert moment is not None
    assert timedelta(0) < moment - datetime.now(UTC) <= timedelta(seconds=600)
