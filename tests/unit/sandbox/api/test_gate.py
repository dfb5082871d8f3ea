"""What the gate sees and removes of an image, by EC2's own words for its snapshots."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from amigate.errors import SharedUpstreamError
from amigate.gate.deregister import deregister
from amigate.gate.upstream import require_unshared
from amigate.sources.aws import Aws

from .conftest import code, snapshots_of

if TYPE_CHECKING:
    from .conftest import Caller

FRIEND = "111122223333"


@pytest.fixture
def aws(caller: Caller, ec2: Any) -> Aws:
    return Aws(
        ec2=ec2, region="us-east-1", account=caller.account_id, partition="aws", arn="", endpoint="", sandbox=True
    )


def made_image(ec2: Any, image: str) -> str:
    """Return an image made of an instance that is off."""
    instance = ec2.run_instances(ImageId=image, InstanceType="t3.micro", MinCount=1, MaxCount=1)["Instances"][0]
    ec2.stop_instances(InstanceIds=[instance["InstanceId"]])
    made: str = ec2.create_image(InstanceId=instance["InstanceId"], Name="made")["ImageId"]
    return made


def test_an_image_goes_with_the_snapshots_that_were_made_for_it(aws: Aws, ec2: Any, image: str) -> None:
    made = made_image(ec2, image)
    [snapshot] = snapshots_of(ec2, made)
    copy = ec2.copy_image(SourceImageId=made, SourceRegion="us-east-1", Name="copy")["ImageId"]
    [copied] = snapshots_of(ec2, copy)
    assert deregister(aws, made) == (snapshot,)
    assert deregister(aws, copy) == (copied,)
    for gone in (snapshot, copied):
        assert code(ec2.describe_snapshots, SnapshotIds=[gone]) == "InvalidSnapshot.NotFound"


def test_a_snapshot_that_was_there_before_stays(aws: Aws, ec2: Any, image: str) -> None:
    made = made_image(ec2, image)
    [snapshot] = snapshots_of(ec2, made)
    root = [{"DeviceName": "/dev/xvda", "Ebs": {"SnapshotId": snapshot}}]
    other = ec2.register_image(
        Name="other", RootDeviceName="/dev/xvda", BlockDeviceMappings=root, Architecture="x86_64"
    )["ImageId"]
    assert deregister(aws, other) == ()
    assert ec2.describe_snapshots(SnapshotIds=[snapshot])["Snapshots"]


def test_what_somebody_else_may_use_is_told_and_not_deregistered(aws: Aws, ec2: Any, image: str) -> None:
    made = made_image(ec2, image)
    [snapshot] = snapshots_of(ec2, made)
    require_unshared(aws, made)
    everybody = "arn:aws:organizations::111122223333:organization/o-1234567890"
    ec2.modify_image_attribute(ImageId=made, LaunchPermission={"Add": [{"OrganizationArn": everybody}]})
    ec2.modify_snapshot_attribute(SnapshotId=snapshot, CreateVolumePermission={"Add": [{"UserId": FRIEND}]})
    with pytest.raises(SharedUpstreamError) as error:
        deregister(aws, made)
    assert f"{made} with {everybody}" in str(error.value)
    assert f"{snapshot} with {FRIEND}" in str(error.value)
    assert error.value.hint.count("\n    aws ec2 reset-") == 2
    require_unshared(aws, image)
    assert snapshots_of(ec2, made) == [snapshot]
