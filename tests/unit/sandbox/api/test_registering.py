"""RegisterImage keeps what it is given, and refuses what EC2 refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from .conftest import Caller, code, described, snapshots_of

if TYPE_CHECKING:
    from pathlib import Path

ROOT = "/dev/sda1"


@pytest.fixture
def snapshot(ec2: Any, image: str) -> str:
    return snapshots_of(ec2, image)[0]


def root(snapshot_id: str, **more: Any) -> dict[str, Any]:
    return {"DeviceName": ROOT, "Ebs": {"SnapshotId": snapshot_id, **more}}


def test_everything_that_is_given_is_kept(ec2: Any, snapshot: str) -> None:
    mappings = [
        root(snapshot, VolumeSize=3, VolumeType="gp3", Iops=4000, DeleteOnTermination=False),
        {"DeviceName": "/dev/sdf", "Ebs": {"VolumeSize": 5, "VolumeType": "io1", "Iops": 100}},
        {"DeviceName": "/dev/sdb", "VirtualName": "ephemeral0"},
        {"DeviceName": "/dev/sdc", "NoDevice": ""},
    ]
    made = ec2.register_image(
        Name="registered",
        Description="text",
        Architecture="arm64",
        VirtualizationType="hvm",
        RootDeviceName=ROOT,
        BootMode="uefi",
        TpmSupport="v2.0",
        ImdsSupport="v2.0",
        EnaSupport=True,
        SriovNetSupport="simple",
        KernelId="aki-12345678",
        RamdiskId="ari-12345678",
        BlockDeviceMappings=mappings,
        TagSpecifications=[{"ResourceType": "image", "Tags": [{"Key": "run", "Value": "one"}]}],
    )["ImageId"]
    found = described(ec2, made)
    kept = {
        "Name": "registered",
        "Description": "text",
        "Architecture": "arm64",
        "VirtualizationType": "hvm",
        "RootDeviceName": ROOT,
        "RootDeviceType": "ebs",
        "BootMode": "uefi",
        "TpmSupport": "v2.0",
        "ImdsSupport": "v2.0",
        "EnaSupport": True,
        "SriovNetSupport": "simple",
        "KernelId": "aki-12345678",
        "RamdiskId": "ari-12345678",
        "Tags": [{"Key": "run", "Value": "one"}],
        "State": "available",
    }
    assert {name: found[name] for name in kept} == kept
    first, second, *rest = found["BlockDeviceMappings"]
    volume = {"VolumeSize": 3, "VolumeType": "gp3", "Iops": 4000, "DeleteOnTermination": False, "Encrypted": False}
    assert first == root(snapshot, **volume)
    assert (second["Ebs"]["VolumeType"], second["Ebs"]["Iops"], second["Ebs"]["DeleteOnTermination"]) == (
        "io1",
        100,
        True,
    )
    assert rest == mappings[2:]


def test_ec2s_own_defaults_are_those_of_2006(ec2: Any, snapshot: str) -> None:
    made = ec2.register_image(Name="bare", RootDeviceName=ROOT, BlockDeviceMappings=[root(snapshot)])["ImageId"]
    found = described(ec2, made)
    assert (found["Architecture"], found["VirtualizationType"]) == ("i386", "paravirtual")
    assert not {"BootMode", "EnaSupport", "ImdsSupport"} & found.keys()
    launch = {"ImageId": made, "MinCount": 1, "MaxCount": 1, "InstanceType": "t3.micro"}
    assert code(ec2.run_instances, **launch) == "InvalidParameterValue"


def test_an_image_of_the_instance_store_kind_has_no_disk_and_does_not_launch(ec2: Any) -> None:
    made = ec2.register_image(Name="bundle", ImageLocation="bucket/image.manifest.xml", Architecture="x86_64")[
        "ImageId"
    ]
    found = described(ec2, made)
    assert (found["RootDeviceType"], found["ImageLocation"]) == ("instance-store", "bucket/image.manifest.xml")
    launch = {"ImageId": made, "MinCount": 1, "MaxCount": 1}
    assert code(ec2.run_instances, **launch, InstanceType="t2.micro") == "InvalidParameterCombination"
    assert code(ec2.run_instances, **launch, InstanceType="m1.small") == "UnsupportedOperation"


@pytest.mark.parametrize("name", ["x" * 129, "a_b!", "käse"])
def test_names_are_those_that_ec2_allows(ec2: Any, snapshot: str, name: str) -> None:
    asked = {"RootDeviceName": ROOT, "BlockDeviceMappings": [root(snapshot)]}
    assert code(ec2.register_image, Name=name, **asked) == "InvalidAMIName.Malformed"


def test_a_name_is_taken_within_an_account_and_region(caller: Caller, theirs: Any, ec2: Any, snapshot: str) -> None:
    asked = {"Name": "(a) [b]/c-d.e_f@g'h", "RootDeviceName": ROOT}
    ec2.register_image(**asked, BlockDeviceMappings=[root(snapshot)])
    assert code(ec2.register_image, **asked, BlockDeviceMappings=[root(snapshot)]) == "InvalidAMIName.Duplicate"
    location = {"Name": asked["Name"], "ImageLocation": "bucket/x.manifest.xml"}
    theirs.register_image(**location)
    caller.client(region="eu-west-1").register_image(**location)


@pytest.mark.parametrize(
    "change,expected",
    [
        ({"RootDeviceName": "/dev/xvda"}, "InvalidBlockDeviceMapping"),
        ({"RootDeviceName": None}, "MissingParameter"),
        ({"BlockDeviceMappings": None}, "MissingParameter"),
        ({"BlockDeviceMappings": [{"DeviceName": ROOT, "Ebs": {"VolumeSize": 1}}]}, "InvalidBlockDeviceMapping"),
        ({"BlockDeviceMappings": [{"DeviceName": ROOT, "Ebs": {"DeleteOnTermination": True}}]}, "MissingParameter"),
        ({"BlockDeviceMappings": [{"DeviceName": ROOT}]}, "InvalidBlockDeviceMapping"),
        ({"BlockDeviceMappings": [root("snap-0123456789abcdef0")]}, "InvalidSnapshot.NotFound"),
        ({"BlockDeviceMappings": [root("snapshot")]}, "InvalidSnapshotID.Malformed"),
        ({"BlockDeviceMappings": [{"DeviceName": "disk", "Ebs": {"VolumeSize": 1}}]}, "InvalidParameterValue"),
        ({"Architecture": "ppc64"}, "InvalidParameterValue"),
        ({"VirtualizationType": "kvm"}, "InvalidParameterValue"),
        ({"BootMode": "bios"}, "InvalidParameterValue"),
        ({"BootMode": "legacy-bios", "Architecture": "arm64"}, "InvalidParameterCombination"),
        ({"TpmSupport": "v2.0"}, "InvalidParameterCombination"),
        ({"VirtualizationType": "paravirtual", "EnaSupport": True}, "InvalidParameterCombination"),
        ({"TagSpecifications": [{"ResourceType": "instance", "Tags": []}]}, "InvalidParameterValue"),
        ({"DryRun": True}, "DryRunOperation"),
    ],
)
def test_what_does_not_go_together_is_refused(ec2: Any, snapshot: str, change: dict[str, Any], expected: str) -> None:
    asked = {
        "Name": "wrong",
        "Architecture": "x86_64",
        "VirtualizationType": "hvm",
        "RootDeviceName": ROOT,
        "BlockDeviceMappings": [root(snapshot)],
    }
    wrong = {name: value for name, value in (asked | change).items() if value is not None}
    assert code(ec2.register_image, **wrong) == expected
    assert not ec2.describe_images(Owners=["self"], Filters=[{"Name": "name", "Values": ["wrong"]}])["Images"]


@pytest.mark.parametrize(
    "volume,expected",
    [
        ({"VolumeType": "gp9"}, "UnknownVolumeType"),
        ({"VolumeType": "io2"}, "InvalidParameterCombination"),
        ({"VolumeType": "gp2", "Iops": 100}, "InvalidParameterCombination"),
        ({"VolumeSize": 65537}, "InvalidBlockDeviceMapping"),
        ({"Encrypted": True}, "InvalidBlockDeviceMapping"),
        ({"KmsKeyId": "alias/aws/ebs"}, "InvalidBlockDeviceMapping"),
    ],
)
def test_volumes_that_there_cannot_be_are_refused(
    ec2: Any, snapshot: str, volume: dict[str, Any], expected: str
) -> None:
    asked = {"Name": "wrong", "RootDeviceName": ROOT, "BlockDeviceMappings": [root(snapshot, **volume)]}
    assert code(ec2.register_image, **asked) == expected


def test_a_device_is_named_once(ec2: Any, snapshot: str) -> None:
    twice = {"Name": "twice", "RootDeviceName": ROOT, "BlockDeviceMappings": [root(snapshot), root(snapshot)]}
    assert code(ec2.register_image, **twice) == "InvalidBlockDeviceMapping"


def test_a_volume_is_not_smaller_than_its_snapshot(caller: Caller, ec2: Any, disk: Path) -> None:
    made = caller.add_image(disk, "large")
    volume = ec2.create_volume(AvailabilityZone="us-east-1a", SnapshotId=snapshots_of(ec2, made)[0], Size=3)["VolumeId"]
    large = ec2.create_snapshot(VolumeId=volume)["SnapshotId"]
    asked = {"Name": "small", "RootDeviceName": ROOT, "BlockDeviceMappings": [root(large, VolumeSize=2)]}
    assert code(ec2.register_image, **asked) == "InvalidBlockDeviceMapping"


def test_snapshots_of_others_are_not_registered(stranger: Caller, theirs: Any, ec2: Any, snapshot: str) -> None:
    asked = {"Name": "borrowed", "RootDeviceName": ROOT, "BlockDeviceMappings": [root(snapshot)]}
    assert code(theirs.register_image, **asked) == "InvalidSnapshot.NotFound"
    share = {"Add": [{"UserId": stranger.account_id}]}
    ec2.modify_snapshot_attribute(SnapshotId=snapshot, CreateVolumePermission=share)
    assert code(theirs.register_image, **asked) == "AuthFailure"
