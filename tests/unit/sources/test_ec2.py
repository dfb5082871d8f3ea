"""What EC2 says of an image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from moto.ec2.models import ec2_backends

from amigate.errors import UsageError
from amigate.sources.ec2 import describe

if TYPE_CHECKING:
    from amigate.sources.aws import Aws


def test_an_image_is_described_with_its_snapshots(aws: Aws, ami_id: str) -> None:
    target, ec2 = describe(aws, ami_id)
    assert (target.kind, target.id, target.name, target.account) == ("ami", ami_id, "golden", aws.account)
    assert ec2.image["ImageId"] == ami_id
    assert [snapshot["SnapshotId"] for snapshot in ec2.snapshots] == list(target.snapshots)
    assert len(target.snapshots) == 1
    assert not ec2.unseen


def test_an_image_of_another_account_is_returned_as_it_is(aws: Aws, ami_id: str) -> None:
    ec2_backends[aws.account][aws.region].amis[ami_id].owner_id = "999988887777"
    target, ec2 = describe(aws, ami_id)
    assert (target.account, ec2.image["OwnerId"], ec2.caller) == ("999988887777", "999988887777", aws.account)


@pytest.mark.trap(67)
def test_images_that_are_disabled_or_deprecated_are_asked_for(aws: Aws, ami_id: str) -> None:
    """EC2 hides them from whoever does not."""
    asked: list[dict[str, Any]] = []
    aws.ec2.meta.events.register(
        "provide-client-params.ec2.DescribeImages", lambda params, **_: asked.append(params), unique_id="test"
    )
    aws.ec2.disable_image(ImageId=ami_id)
    assert describe(aws, ami_id)[1].image["State"] == "disabled"
    assert asked == [{"ImageIds": [ami_id], "IncludeDeprecated": True, "IncludeDisabled": True}]


def test_a_snapshot_that_cannot_be_described_is_unseen(aws: Aws, ami_id: str) -> None:
    snapshot_id = describe(aws, ami_id)[0].snapshots[0]
    ec2_backends[aws.account][aws.region].snapshots.pop(snapshot_id)
    _, ec2 = describe(aws, ami_id)
    assert not ec2.snapshots
    assert list(ec2.unseen) == [snapshot_id]


@pytest.mark.parametrize(
    "text", ["", "ami-", "ami-1234567", "ami-0123456789ABCDEF0", "i-0123456789abcdef0", "ami-12345678\n", "a" * 9999]
)
def test_what_is_no_ami_id_is_a_usage_error_that_names_the_form(aws: Aws, text: str) -> None:
    with pytest.raises(UsageError, match="no AMI id") as caught:
        describe(aws, text)
    assert "ami-" in caught.value.hint
    assert len(str(caught.value)) < 80


def test_an_unknown_ami_is_a_usage_error_that_says_where_it_was_looked_for(aws: Aws) -> None:
    with pytest.raises(UsageError) as caught:
        describe(aws, "ami-0123456789abcdef0")
    assert str(caught.value) == "there is no ami-0123456789abcdef0 in eu-central-1 that account 123456789012 can see"
    assert all(word in caught.value.hint for word in ("region", "shared", "deregistered"))
