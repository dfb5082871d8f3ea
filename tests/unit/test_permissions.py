"""The IAM policies of docs/ allow what amigate calls, and nothing that it does not call."""

from __future__ import annotations

import json
import os
from contextlib import contextmanager, suppress
from ipaddress import IPv4Network
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError
from moto import mock_aws

from amigate.check import Ask
from amigate.disk.blocks import UnsupportedError
from amigate.disk.ebs import Ebs
from amigate.disk.ebs_client import ebs_client
from amigate.gate.deregister import deregister
from amigate.gate.share import permissions, share
from amigate.profile import Egress
from amigate.result import Report, Result, Severity, Status
from amigate.sources import asking, reaping
from amigate.sources.aws import connect
from amigate.sources.ec2 import describe
from amigate.sources.launch import AccountRun, open_run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from amigate.sources.aws import Aws

DOCS = Path(__file__).parents[2] / "docs"
POLICIES = sorted(path.name for path in (DOCS / "iam").glob("*.json"))
EGRESS = (Egress(cidr=IPv4Network("10.0.0.0/8"), port=443),)

NOT_RECORDED = {
    "validate.json": {
        "ebs:GetSnapshotBlock": "not called: moto has no blocks of the size of AWS's",
        "ec2:CreateTags": "not called: EC2 wants it for the tags in RunInstances, CreateSecurityGroup, ImportKeyPair",
    },
    "reap.json": {"ec2:DescribeRegions": "called with --all-regions alone"},
}
"""Allowed and not called by the flows below, each with its reason."""


@pytest.fixture(scope="module")
def aws() -> Iterator[Aws]:
    """Give an account of moto's."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "testing")
        with mock_aws():
            yield connect(region="eu-central-1")


@contextmanager
def recorded(client: Any) -> Iterator[set[str]]:
    """Give the actions that are called in the block."""
    actions: set[str] = set()
    service = client.meta.service_model.service_name

    def note(model: Any, **_: object) -> None:
        actions.add(f"{service}:{model.name}")

    client.meta.events.register(f"before-call.{service}", note)
    try:
        yield actions
    finally:
        client.meta.events.unregister(f"before-call.{service}", note)


def make_image(aws: Aws) -> str:
    made = aws.ec2.register_image(Name=f"golden {os.urandom(4).hex()}", Architecture="x86_64")
    return made["ImageId"]


def validating(aws: Aws) -> set[str]:
    """Do what validate does in an account."""
    ami = make_image(aws)
    with recorded(aws.ec2) as actions:
        _, ec2 = describe(aws, ami)
        with open_run(aws, runner_cidr="203.0.113.7/32", egress=EGRESS, pause_s=0) as run:
            machine = run.launch(ec2.image, "A")
            run.launch(ec2.image, "keyless", keyless=True)
            machine.look()
            machine.console()
            machine.status_checks()
            machine.reboot()
            zone = aws.ec2.describe_subnets()["Subnets"][0]["AvailabilityZone"]
            with unrecorded(actions):
                aws.ec2.create_volume(Size=1, AvailabilityZone=zone, TagSpecifications=run._tags("A", "volume"))
    return actions | reading_snapshots(aws)


def reading_snapshots(aws: Aws) -> set[str]:
    """List the blocks of a snapshot as validate does; moto's are of another size, so none is fetched."""
    client = ebs_client(aws)
    snapshot = client.start_snapshot(VolumeSize=1)["SnapshotId"]
    with recorded(client) as actions, suppress(UnsupportedError), Ebs(client, snapshot):
        pass
    return actions


@contextmanager
def unrecorded(actions: set[str]) -> Iterator[None]:
    """Do something in the place of an image, whose mapping keeps a volume."""
    before = set(actions)
    yield
    actions &= before


def sharing(aws: Aws) -> set[str]:
    """Do what share does once the image is judged."""
    ami = make_image(aws)
    with recorded(aws.ec2) as actions:
        target, _ = describe(aws, ami)
        passed = Result(
            id="r", status=Status.PASS, severity=Severity.HIGH, blocking=False, title="", guideline="", source="",
            witness=(), message="",
        )  # fmt: skip
        report = Report(
            target=target, audience="accounts", profile="p", profile_digest="", witnesses=(), collected_at="",
            evidence_digest="", results=(passed,),
        )  # fmt: skip
        share(aws, report, ["111122223333"])
        assert permissions(aws, ami) == ("111122223333",)
    return actions


def after_packer(aws: Aws) -> set[str]:
    """Refuse and deregister what Packer has made, as far as that is more than validating and sharing."""
    instance = aws.ec2.run_instances(ImageId=make_image(aws), MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"]
    ami = aws.ec2.create_image(InstanceId=instance, Name=f"built {os.urandom(4).hex()}")["ImageId"]
    with recorded(aws.ec2) as actions:
        deregister(aws, ami)
    return actions


def reaping_(aws: Aws) -> set[str]:
    """Do what reap does with what a killed run left."""
    ami = make_image(aws)
    image = describe(aws, ami)[1].image
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(AccountRun, "close", lambda _: None)
        with open_run(aws, runner_cidr="203.0.113.7/32", pause_s=0, reap=False) as run:
            run.launch(image, "A")
            zone = aws.ec2.describe_subnets()["Subnets"][0]["AvailabilityZone"]
            aws.ec2.create_volume(Size=1, AvailabilityZone=zone, TagSpecifications=run._tags("A", "volume"))
    with recorded(aws.ec2) as actions:
        due = [thing for thing in reaping.find(aws) if thing.run == run.run_id]
        assert not reaping.remove(aws, due, say=lambda _: None, pause_s=0).left
    return actions


KEY = "arn:aws:kms:eu-central-1:123456789012:key/k"
SHOWN: dict[str, Any] = {
    "GetImageAncestry": {
        "ImageAncestryEntries": [
            {"ImageId": "ami-1", "SourceImageId": "ami-2", "SourceImageRegion": "eu-central-1"},
            {"ImageId": "ami-2"},
        ]
    },
    "DescribeKey": {"KeyMetadata": {"Arn": KEY}},
    "GetKeyPolicy": {"Policy": "{}"},
    "ListMalwareScans": {"Scans": [{"ScanId": "s", "ResourceArn": "arn:aws:ec2:eu-central-1::image/ami-1"}]},
    "GetAWSDefaultServiceQuota": {"Quota": {"Value": 5.0}},
}


def asking_(aws: Aws) -> set[str]:
    """Do what validate does for the rules that have AWS asked more; moto has none of it, so answers are made up."""
    actions: set[str] = set()

    def call(client: Any, operation: str, _: dict[str, Any]) -> dict[str, Any]:
        actions.add(f"{client.meta.service_model.signing_name}:{operation}")
        if operation == "GetServiceQuota":
            raise ClientError({"Error": {"Code": "NoSuchResourceException"}}, operation)
        return dict(SHOWN.get(operation, {}))

    image = {"ImageId": "ami-1", "SourceImageId": "ami-2"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BaseClient, "_make_api_call", call)
        for described in (image, image | {"ScanResults": {"FindingScanDate": "2026-01-01"}}):
            _, unseen = asking.answers(aws, set(Ask), described, [{"SnapshotId": "snap-1", "KmsKeyId": KEY}])
            assert not unseen
    return actions


FLOWS: dict[str, Callable[[Aws], set[str]]] = {
    "validate.json": validating,
    "share.json": sharing,
    "packer.json": after_packer,
    "reap.json": reaping_,
    "preflight.json": asking_,
}


def statements(name: str) -> list[dict[str, Any]]:
    policy = json.loads((DOCS / "iam" / name).read_text())
    assert policy["Version"] == "2012-10-17"
    found: list[dict[str, Any]] = policy["Statement"]
    return found


def allowed(name: str) -> set[str]:
    actions: set[str] = set()
    for statement in statements(name):
        given = statement["Action"]
        actions |= {given} if isinstance(given, str) else set(given)
    return actions


@pytest.mark.parametrize("name", FLOWS)
def test_a_policy_allows_what_is_called_and_nothing_else(aws: Aws, name: str) -> None:
    called = FLOWS[name](aws)
    assert called <= allowed(name)
    assert allowed(name) - called == set(NOT_RECORDED.get(name, {}))


@pytest.mark.parametrize("name", POLICIES)
def test_a_policy_is_well_formed_and_names_no_wildcard_action(name: str) -> None:
    sids = [statement["Sid"] for statement in statements(name)]
    assert len(set(sids)) == len(sids)
    assert not any("*" in action for action in allowed(name))
    for statement in statements(name):
        assert statement.keys() <= {"Sid", "Effect", "Action", "Resource", "Condition"}
        assert statement["Effect"] == "Allow"


@pytest.mark.parametrize("name", POLICIES)
def test_only_looking_is_allowed_on_everything(name: str) -> None:
    for statement in statements(name):
        if statement["Resource"] == "*":
            names = [action.split(":")[1] for action in statement["Action"]]
            assert all(name.startswith(("Describe", "Get", "List")) for name in names)


@pytest.mark.parametrize("name", ["validate.json", "reap.json"])
def test_only_what_is_tagged_as_amigates_may_be_changed_or_removed(name: str) -> None:
    words = ("Delete", "Terminate", "Authorize", "Revoke", "Reboot")
    for statement in statements(name):
        actions = [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]
        if any(action.startswith(f"ec2:{word}") for action in actions for word in words):
            assert statement["Condition"] == {"StringEquals": {"aws:ResourceTag/amigate:managed": "true"}}


def test_nothing_is_made_without_the_tag_that_allows_its_removal(aws: Aws) -> None:
    tagged: list[dict[str, Any]] = []

    def note(params: dict[str, Any], **_: object) -> None:
        tagged.append(params)

    for operation in ("RunInstances", "CreateSecurityGroup", "ImportKeyPair"):
        aws.ec2.meta.events.register(f"provide-client-params.ec2.{operation}", note)
    image = describe(aws, make_image(aws))[1].image
    with open_run(aws, runner_cidr="203.0.113.7/32", pause_s=0) as run:
        run.launch(image, "A")
    for operation in ("RunInstances", "CreateSecurityGroup", "ImportKeyPair"):
        aws.ec2.meta.events.unregister(f"provide-client-params.ec2.{operation}", note)
    kinds = {spec["ResourceType"] for params in tagged for spec in params["TagSpecifications"]}
    assert kinds == {"instance", "volume", "network-interface", "security-group", "key-pair"}
    for params in tagged:
        for spec in params["TagSpecifications"]:
            names = {tag["Key"] for tag in spec["Tags"]}
            assert names == {"Name", "amigate:managed", "amigate:run", "amigate:expires"}


@pytest.mark.parametrize("name", POLICIES)
def test_the_page_on_permissions_explains_each_policy(name: str) -> None:
    assert f"iam/{name}" in (DOCS / "permissions.md").read_text()
