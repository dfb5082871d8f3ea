"""Snapshots: made of volumes, copied, shared, deleted, each with a disk behind it."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from amigate.sandbox.machines import disks

from .conftest import Caller, code, snapshots_of

if TYPE_CHECKING:
    from pathlib import Path

FRIEND = "111111111111"


def same(one: Path, other: Path) -> bool:
    """Whether two disks hold the same."""
    return subprocess.run(["qemu-img", "compare", "-q", str(one), str(other)], check=False).returncode == 0


def file_of(caller: Caller, snapshot_id: str) -> Path:
    cloud = caller.sandbox._cloud
    assert cloud is not None
    return cloud.store.disk(snapshot_id)


@pytest.fixture
def snapshot(ec2: Any, image: str) -> str:
    return snapshots_of(ec2, image)[0]


def test_a_snapshot_is_described_whole(caller: Caller, ec2: Any, snapshot: str) -> None:
    found = ec2.describe_snapshots(SnapshotIds=[snapshot])["Snapshots"][0]
    assert (found["OwnerId"], found["State"], found["Progress"]) == (caller.account_id, "completed", "100%")
    assert (found["VolumeSize"], found["Encrypted"], found["StorageTier"]) == (1, False, "standard")
    assert "KmsKeyId" not in found


def test_a_copy_has_the_same_disk_in_a_file_of_its_own(caller: Caller, ec2: Any, snapshot: str) -> None:
    tags = [{"ResourceType": "snapshot", "Tags": [{"Key": "run", "Value": "one"}]}]
    elsewhere = caller.client(region="eu-west-1")
    made = elsewhere.copy_snapshot(SourceRegion="us-east-1", SourceSnapshotId=snapshot, TagSpecifications=tags)
    found = elsewhere.describe_snapshots(SnapshotIds=[made["SnapshotId"]])["Snapshots"][0]
    assert (found["Description"], found["Tags"]) == (f"[Copied {snapshot} from us-east-1]", made["Tags"])
    assert file_of(caller, made["SnapshotId"]) != file_of(caller, snapshot)
    assert same(file_of(caller, made["SnapshotId"]), file_of(caller, snapshot))
    assert code(ec2.describe_snapshots, SnapshotIds=[made["SnapshotId"]]) == "InvalidSnapshot.NotFound"


def test_a_copy_can_be_encrypted_and_never_becomes_plain_again(caller: Caller, ec2: Any, snapshot: str) -> None:
    def copy(source: str, **asked: Any) -> dict[str, Any]:
        made = ec2.copy_snapshot(SourceRegion="us-east-1", SourceSnapshotId=source, **asked)["SnapshotId"]
        found: dict[str, Any] = ec2.describe_snapshots(SnapshotIds=[made])["Snapshots"][0]
        return found

    assert copy(snapshot)["Encrypted"] is False
    encrypted = copy(snapshot, Encrypted=True)
    assert encrypted["KmsKeyId"].startswith(f"arn:aws:kms:us-east-1:{caller.account_id}:key/")
    assert copy(encrypted["SnapshotId"], Encrypted=False)["Encrypted"] is True
    needs = {"SourceRegion": "us-east-1", "SourceSnapshotId": snapshot, "KmsKeyId": "alias/aws/ebs"}
    assert code(ec2.copy_snapshot, **needs) == "InvalidParameterDependency"


def test_a_key_that_is_not_there_ends_the_copy_as_an_error(ec2: Any, snapshot: str) -> None:
    asked = {"SourceRegion": "us-east-1", "SourceSnapshotId": snapshot, "Encrypted": True, "KmsKeyId": "alias/none"}
    made = ec2.copy_snapshot(**asked)["SnapshotId"]
    found = ec2.describe_snapshots(SnapshotIds=[made])["Snapshots"][0]
    assert (found["State"], found["StateMessage"]) == ("error", "Given key ID is not accessible")


def test_encryption_by_default_makes_copies_and_volumes_encrypted(ec2: Any, snapshot: str) -> None:
    assert ec2.get_ebs_encryption_by_default()["EbsEncryptionByDefault"] is False
    ec2.enable_ebs_encryption_by_default()
    made = ec2.copy_snapshot(SourceRegion="us-east-1", SourceSnapshotId=snapshot)["SnapshotId"]
    assert ec2.describe_snapshots(SnapshotIds=[made])["Snapshots"][0]["Encrypted"] is True
    assert ec2.create_volume(AvailabilityZone="us-east-1a", Size=1)["Encrypted"] is True
    ec2.disable_ebs_encryption_by_default()
    assert ec2.get_ebs_encryption_by_default()["EbsEncryptionByDefault"] is False


def test_permissions_are_kept_in_both_forms(ec2: Any, snapshot: str) -> None:
    def permitted() -> Any:
        asked = {"SnapshotId": snapshot, "Attribute": "createVolumePermission"}
        return ec2.describe_snapshot_attribute(**asked)["CreateVolumePermissions"]

    ec2.modify_snapshot_attribute(SnapshotId=snapshot, CreateVolumePermission={"Add": [{"UserId": FRIEND}]})
    ec2.modify_snapshot_attribute(
        SnapshotId=snapshot, Attribute="createVolumePermission", OperationType="add", GroupNames=["all"]
    )
    assert permitted() == [{"UserId": FRIEND}, {"Group": "all"}]
    ec2.modify_snapshot_attribute(SnapshotId=snapshot, OperationType="remove", UserIds=[FRIEND])
    assert permitted() == [{"Group": "all"}]
    ec2.reset_snapshot_attribute(SnapshotId=snapshot, Attribute="createVolumePermission")
    assert permitted() == []
    bad = {"SnapshotId": snapshot, "CreateVolumePermission": {"Add": [{"UserId": "me"}]}}
    assert code(ec2.modify_snapshot_attribute, **bad) == "InvalidAMIAttributeItemValue"


def test_a_shared_snapshot_can_be_listed_and_copied(caller: Caller, stranger: Caller, ec2: Any, snapshot: str) -> None:
    theirs = stranger.client()
    copy = {"SourceRegion": "us-east-1", "SourceSnapshotId": snapshot}
    assert code(theirs.copy_snapshot, **copy) == "InvalidSnapshot.NotFound"
    ec2.modify_snapshot_attribute(
        SnapshotId=snapshot, CreateVolumePermission={"Add": [{"UserId": stranger.account_id}]}
    )

    def found(client: Any, **asked: Any) -> set[str]:
        return {one["SnapshotId"] for one in client.describe_snapshots(**asked)["Snapshots"]}

    assert snapshot in found(theirs)
    assert found(theirs, OwnerIds=["self"]) == set()
    assert found(theirs, RestorableByUserIds=["self"]) == found(theirs, OwnerIds=[caller.account_id]) == {snapshot}
    assert found(ec2, RestorableByUserIds=[stranger.account_id]) == {snapshot}
    made = theirs.copy_snapshot(**copy)["SnapshotId"]
    assert same(file_of(caller, made), file_of(caller, snapshot))
    assert code(theirs.delete_snapshot, SnapshotId=snapshot) == "AuthFailure"


def test_public_snapshots_are_blocked_as_the_account_says(ec2: Any, theirs: Any, snapshot: str) -> None:
    add = {"SnapshotId": snapshot, "CreateVolumePermission": {"Add": [{"Group": "all"}]}}
    assert ec2.get_snapshot_block_public_access_state()["State"] == "unblocked"
    ec2.modify_snapshot_attribute(**add)
    assert theirs.describe_snapshots(SnapshotIds=[snapshot])["Snapshots"]
    assert ec2.enable_snapshot_block_public_access(State="block-new-sharing")["State"] == "block-new-sharing"
    assert code(ec2.modify_snapshot_attribute, **add) == "OperationNotPermitted"
    assert theirs.describe_snapshots(SnapshotIds=[snapshot])["Snapshots"]
    ec2.enable_snapshot_block_public_access(State="block-all-sharing")
    assert code(theirs.describe_snapshots, SnapshotIds=[snapshot]) == "InvalidSnapshot.NotFound"
    ec2.disable_snapshot_block_public_access()
    assert theirs.describe_snapshots(SnapshotIds=[snapshot])["Snapshots"]


def test_an_encrypted_snapshot_never_becomes_public(caller: Caller, ec2: Any, disk: Path) -> None:
    key = "arn:aws:kms:us-east-1:123456789012:key/their-own"
    (snapshot,) = snapshots_of(ec2, caller.add_image(disk, "encrypted", kms_key_id=key))
    assert ec2.describe_snapshots(SnapshotIds=[snapshot])["Snapshots"][0]["KmsKeyId"] == key
    everybody = {"SnapshotId": snapshot, "CreateVolumePermission": {"Add": [{"Group": "all"}]}}
    assert code(ec2.modify_snapshot_attribute, **everybody) == "OperationNotPermitted"
    ec2.modify_snapshot_attribute(SnapshotId=snapshot, CreateVolumePermission={"Add": [{"UserId": FRIEND}]})


def test_a_snapshot_goes_after_its_image_and_not_before(caller: Caller, ec2: Any, image: str, snapshot: str) -> None:
    copy = ec2.copy_snapshot(SourceRegion="us-east-1", SourceSnapshotId=snapshot)["SnapshotId"]
    file = file_of(caller, copy)
    assert code(ec2.delete_snapshot, SnapshotId=snapshot) == "InvalidSnapshot.InUse"
    ec2.delete_snapshot(SnapshotId=copy)
    assert not file.exists()
    given = file_of(caller, snapshot)
    ec2.deregister_image(ImageId=image)
    ec2.delete_snapshot(SnapshotId=snapshot)
    assert code(ec2.describe_snapshots, SnapshotIds=[snapshot]) == "InvalidSnapshot.NotFound"
    assert given.exists()


def test_snapshots_come_in_pages_and_by_filter(ec2: Any, snapshot: str) -> None:
    made = {ec2.copy_snapshot(SourceRegion="us-east-1", SourceSnapshotId=snapshot)["SnapshotId"] for _ in range(6)}
    pages = list(ec2.get_paginator("describe_snapshots").paginate(OwnerIds=["self"], PaginationConfig={"PageSize": 5}))
    assert [len(page["Snapshots"]) for page in pages] == [5, 2]
    assert {one["SnapshotId"] for page in pages for one in page["Snapshots"]} == {snapshot, *made}
    copies = [{"Name": "description", "Values": [f"*{snapshot}*"]}]
    assert {one["SnapshotId"] for one in ec2.describe_snapshots(Filters=copies)["Snapshots"]} == made
    assert code(ec2.describe_snapshots, MaxResults=2) == "InvalidParameterValue"


@pytest.mark.parametrize("wrong", ["snap-1", "vol-0123456789abcdef0", "snap-0123456789ABCDEF0"])
def test_an_id_of_the_wrong_shape_is_malformed(ec2: Any, wrong: str) -> None:
    assert code(ec2.describe_snapshots, SnapshotIds=[wrong]) == "InvalidSnapshotID.Malformed"
    assert code(ec2.delete_snapshot, SnapshotId=wrong) == "InvalidSnapshotID.Malformed"


def test_nothing_is_made_of_a_snapshot_that_is_not_complete(ec2: Any, image: str, snapshot: str) -> None:
    copy = {"SourceRegion": "us-east-1", "SourceSnapshotId": snapshot, "Encrypted": True, "KmsKeyId": "alias/none"}
    failed = ec2.copy_snapshot(**copy)["SnapshotId"]
    device = [{"DeviceName": "/dev/sdz", "Ebs": {"SnapshotId": failed}}]
    launch = {"ImageId": image, "MinCount": 1, "MaxCount": 1}
    assert code(ec2.create_volume, AvailabilityZone="us-east-1a", SnapshotId=failed) == "IncorrectState"
    assert code(ec2.run_instances, **launch, BlockDeviceMappings=device) == "IncorrectState"
    assert ec2.describe_volumes()["Volumes"] == []
    launched = ec2.run_instances(**launch)["Instances"][0]["InstanceId"]
    asked = {"InstanceId": launched, "Name": "child", "BlockDeviceMappings": device}
    assert code(ec2.create_image, **asked) == "IncorrectState"
    ec2.terminate_instances(InstanceIds=[launched])


def test_a_volume_whose_disk_cannot_be_made_is_not_there(
    ec2: Any, snapshot: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(disks, "copy", full)
    assert code(ec2.create_volume, AvailabilityZone="us-east-1a", SnapshotId=snapshot) == "InternalError"
    assert ec2.describe_volumes()["Volumes"] == []
