"""CopyImage: disks and traits travel, permissions do not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .conftest import Caller, code, described, snapshots_of
from .test_snapshots import file_of, same

if TYPE_CHECKING:
    from pathlib import Path

FRIEND = "111111111111"


def test_a_copy_in_another_region_has_the_disks_and_not_the_permissions(caller: Caller, ec2: Any, disk: Path) -> None:
    source = caller.add_image(
        disk, "source", volumes={"/dev/sdf": disk}, imds_support="v2.0", description="text", shared_with=[FRIEND]
    )
    ec2.create_tags(Resources=[source], Tags=[{"Key": "run", "Value": "one"}])
    there = caller.client(region="eu-west-1")
    made = there.copy_image(Name="copy", SourceImageId=source, SourceRegion="us-east-1")["ImageId"]
    before, after = described(ec2, source), described(there, made)
    assert (after["SourceImageId"], after["SourceImageRegion"]) == (source, "us-east-1")
    same_as_before = ("Description", "ImdsSupport", "BootMode", "EnaSupport", "Architecture", "RootDeviceName")
    assert {name: after[name] for name in same_as_before} == {name: before[name] for name in same_as_before}
    assert "Tags" not in after
    assert there.describe_image_attribute(ImageId=made, Attribute="launchPermission")["LaunchPermissions"] == []
    for old, new in zip(snapshots_of(ec2, source), snapshots_of(there, made), strict=True):
        assert file_of(caller, old) != file_of(caller, new)
        assert same(file_of(caller, old), file_of(caller, new))
    text = there.describe_snapshots(SnapshotIds=[snapshots_of(there, made)[0]])["Snapshots"][0]["Description"]
    assert text.startswith(f"Copied for DestinationAmi {made} from SourceAmi {source} for SourceSnapshot snap-")


def test_tags_come_on_request(ec2: Any, image: str) -> None:
    ec2.create_tags(Resources=[image], Tags=[{"Key": "run", "Value": "one"}, {"Key": "kept", "Value": "yes"}])
    made = ec2.copy_image(
        Name="tagged",
        SourceImageId=image,
        SourceRegion="us-east-1",
        CopyImageTags=True,
        TagSpecifications=[
            {"ResourceType": "image", "Tags": [{"Key": "run", "Value": "two"}]},
            {"ResourceType": "snapshot", "Tags": [{"Key": "disk", "Value": "copy"}]},
        ],
    )["ImageId"]
    assert {tag["Key"]: tag["Value"] for tag in described(ec2, made)["Tags"]} == {"run": "two", "kept": "yes"}
    snapshot = ec2.describe_snapshots(SnapshotIds=snapshots_of(ec2, made))["Snapshots"][0]
    assert snapshot["Tags"] == [{"Key": "disk", "Value": "copy"}]


def test_a_copy_can_be_encrypted_and_stays_so(ec2: Any, image: str) -> None:
    copy = {"SourceImageId": image, "SourceRegion": "us-east-1"}
    once = ec2.copy_image(Name="once", **copy, Encrypted=True)["ImageId"]
    twice = ec2.copy_image(Name="twice", **(copy | {"SourceImageId": once}), Encrypted=False)["ImageId"]
    for made in (once, twice):
        assert described(ec2, made)["BlockDeviceMappings"][0]["Ebs"]["Encrypted"] is True
    assert code(ec2.copy_image, Name="key", **copy, KmsKeyId="alias/aws/ebs") == "InvalidParameterDependency"


def test_a_key_that_is_not_there_ends_the_copy_as_failed(ec2: Any, image: str) -> None:
    copy = {"SourceImageId": image, "SourceRegion": "us-east-1", "Encrypted": True, "KmsKeyId": "alias/none"}
    found = described(ec2, ec2.copy_image(Name="failed", **copy)["ImageId"])
    assert (found["State"], found["StateReason"]["Message"]) == ("failed", "Given key ID is not accessible")
    launch = {"ImageId": found["ImageId"], "MinCount": 1, "MaxCount": 1}
    assert code(ec2.run_instances, **launch) == "InvalidAMIID.Unavailable"


def test_the_same_client_token_makes_one_copy(ec2: Any, theirs: Any, image: str) -> None:
    copy = {"SourceImageId": image, "SourceRegion": "us-east-1", "ClientToken": "once"}
    made = ec2.copy_image(Name="once", **copy)["ImageId"]
    assert ec2.copy_image(Name="once", **copy)["ImageId"] == made
    assert code(ec2.copy_image, Name="other", **copy) == "IdempotentParameterMismatch"
    assert code(theirs.copy_image, Name="once", **copy) == "InvalidAMIID.NotFound"


def test_the_image_of_another_account_is_copied_with_the_owners_leave_only(
    caller: Caller, stranger: Caller, ec2: Any, disk: Path
) -> None:
    shared = stranger.add_image(disk, "shared", shared_with=[caller.account_id])
    copy = {"Name": "mine", "SourceImageId": shared, "SourceRegion": "us-east-1"}
    assert code(ec2.copy_image, **copy) == "InvalidRequest"
    theirs = stranger.client()
    for snapshot in snapshots_of(theirs, shared):
        leave = {"Add": [{"UserId": caller.account_id}]}
        theirs.modify_snapshot_attribute(SnapshotId=snapshot, CreateVolumePermission=leave)
    made = described(ec2, ec2.copy_image(**copy)["ImageId"])
    assert (made["OwnerId"], made["SourceImageId"]) == (caller.account_id, shared)
    sold = stranger.add_image(disk, "sold", shared_with=[caller.account_id], product_codes=["abc"])
    assert code(ec2.copy_image, Name="sold", SourceImageId=sold, SourceRegion="us-east-1") == "InvalidRequest"


def test_a_copy_needs_a_source_and_a_free_name(ec2: Any, image: str) -> None:
    missing = "ami-0123456789abcdef0"
    asked = {"Name": "an image", "SourceImageId": image, "SourceRegion": "us-east-1"}
    assert code(ec2.copy_image, **asked) == "InvalidAMIName.Duplicate"
    assert code(ec2.copy_image, **(asked | {"Name": "new", "SourceImageId": missing})) == "InvalidAMIID.NotFound"
    assert code(ec2.copy_image, **(asked | {"Name": "new", "SourceRegion": "eu-west-1"})) == "InvalidAMIID.NotFound"
    assert code(ec2.copy_image, **(asked | {"Name": "new", "DryRun": True})) == "DryRunOperation"
