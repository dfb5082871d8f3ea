"""An image is made whole or not at all; EC2 is moto's."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws

from amigate.errors import AwsError, UsageError
from amigate.harden import new_image
from amigate.harden.bake import Recipe, bake
from amigate.harden.new_image import make_image

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        ec2 = boto3.client("ec2", region_name="us-east-1")
        ec2.meta.events.register("before-parameter-build.ec2.CreateImage", tags_of_the_image_only)
        aws = SimpleNamespace(ec2=ec2, region="us-east-1", account="123456789012", sandbox=True)
        yield SimpleNamespace(aws=aws, run_id="run1", pause_s=0.0)
        ec2.close()


def tags_of_the_image_only(params: dict[str, Any], **_: object) -> None:
    """Leave out the tags of snapshots, which moto lacks."""
    params["TagSpecifications"] = [one for one in params["TagSpecifications"] if one["ResourceType"] == "image"]


@pytest.fixture
def instance(run: Any) -> str:
    image = run.aws.ec2.register_image(Name="source", Architecture="x86_64")["ImageId"]
    made = run.aws.ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1)
    id_: str = made["Instances"][0]["InstanceId"]
    return id_


def own(run: Any) -> tuple[set[str], set[str]]:
    images = run.aws.ec2.describe_images(Owners=["self"])["Images"]
    snapshots = run.aws.ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"]
    return {image["ImageId"] for image in images}, {snapshot["SnapshotId"] for snapshot in snapshots}


def test_the_image_says_where_it_comes_from(run: Any, instance: str) -> None:
    image_id = make_image(run, instance, "baked", source="ami-12345678", progress=lambda _: None)

    image = run.aws.ec2.describe_images(ImageIds=[image_id])["Images"][0]
    assert image["Name"] == "baked"
    assert {"Key": "amigate:baked-from", "Value": "ami-12345678"} in image["Tags"]


@pytest.mark.parametrize("error", [AwsError("it failed"), KeyboardInterrupt()])
def test_nothing_is_left_of_an_image_that_does_not_become_available(
    run: Any, instance: str, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    before = own(run)

    def fail(*_: object) -> None:
        images, snapshots = own(run)
        assert images > before[0]
        assert snapshots > before[1]
        raise error

    monkeypatch.setattr(new_image, "_await_available", fail)
    with pytest.raises(type(error)):
        make_image(run, instance, "baked", source="ami-12345678", progress=lambda _: None)

    assert own(run) == before


@pytest.mark.parametrize("name", ["ab", "x" * 129, "naïve", "a;b"])
def test_a_malformed_name_is_refused(run: Any, instance: str, name: str) -> None:
    del instance
    with pytest.raises(UsageError):
        bake(run.aws, Recipe(source="ami-12345678", name=name, steps=(), ssh_users=["admin"]))
