"""Launches with volumes of every kind, and the images that such instances become."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from amigate.sandbox.machines import qmp

from .conftest import Caller, Unpowered, code, described, snapshots_of
from .test_snapshots import file_of, same

if TYPE_CHECKING:
    from pathlib import Path


ENCRYPTED = {"DeviceName": "/dev/xvda", "Ebs": {"Encrypted": True}}


def launch(ec2: Any, image: str, **asked: Any) -> dict[str, Any]:
    """Launch one instance and return it as EC2 describes it."""
    made = ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1, **asked)["Instances"][0]["InstanceId"]
    return instance(ec2, made)


def instance(ec2: Any, instance_id: str) -> dict[str, Any]:
    found: dict[str, Any] = ec2.describe_instances(InstanceIds=[instance_id])["Reservations"][0]["Instances"][0]
    return found


def volumes(ec2: Any, launched: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the volumes of an instance by device."""
    filters = [{"Name": "attachment.instance-id", "Values": [launched["InstanceId"]]}]
    found = ec2.describe_volumes(Filters=filters)["Volumes"]
    return {volume["Attachments"][0]["Device"]: volume for volume in found}


def state(ec2: Any, launched: dict[str, Any]) -> str:
    return str(instance(ec2, launched["InstanceId"])["State"]["Name"])


def end(ec2: Any, launched: dict[str, Any]) -> None:
    ec2.terminate_instances(InstanceIds=[launched["InstanceId"]])
    assert state(ec2, launched) == "terminated"


@pytest.fixture
def with_data(caller: Caller, disk: Path) -> str:
    """Return an image with a root and two further volumes, one of them empty."""
    return caller.add_image(disk, "with data", volumes={"/dev/sdf": disk, "/dev/sdg": 2})


def test_an_instance_has_the_volumes_of_its_image(caller: Caller, ec2: Any, with_data: str) -> None:
    launched = launch(ec2, with_data)
    found = volumes(ec2, launched)
    assert {device: volume["Size"] for device, volume in found.items()} == {
        "/dev/xvda": 1,
        "/dev/sdf": 1,
        "/dev/sdg": 2,
    }
    sources = [found[device]["SnapshotId"] for device in ("/dev/xvda", "/dev/sdf")]
    assert sources == snapshots_of(ec2, with_data)
    assert found["/dev/sdg"]["SnapshotId"] == ""
    assert all(volume["State"] == "in-use" and volume["VolumeType"] == "gp3" for volume in found.values())
    assert [one["DeviceName"] for one in launched["BlockDeviceMappings"]] == ["/dev/xvda", "/dev/sdf", "/dev/sdg"]
    cloud = caller.sandbox._cloud
    assert cloud is not None
    machine = cloud.machine(launched["InstanceId"])
    assert [one.device for one in machine.spec.disks] == ["/dev/xvda", "/dev/sdf", "/dev/sdg"]
    assert same(machine.disk(found["/dev/sdf"]["VolumeId"]).file, file_of(caller, sources[1]))
    end(ec2, launched)
    assert ec2.describe_volumes()["Volumes"] == []


def test_a_launch_changes_volumes(ec2: Any, with_data: str) -> None:
    changes = [
        {"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 3, "VolumeType": "gp2"}},
        {"DeviceName": "/dev/sdf", "NoDevice": ""},
        {"DeviceName": "/dev/sdg", "Ebs": {"DeleteOnTermination": False}},
        {"DeviceName": "/dev/sdh", "Ebs": {"SnapshotId": snapshots_of(ec2, with_data)[1], "Encrypted": True}},
        {"DeviceName": "/dev/sdi", "VirtualName": "ephemeral0"},
    ]
    tags = [{"ResourceType": "volume", "Tags": [{"Key": "run", "Value": "one"}]}]
    launched = launch(ec2, with_data, BlockDeviceMappings=changes, TagSpecifications=tags)
    found = volumes(ec2, launched)
    assert found.keys() == {"/dev/xvda", "/dev/sdg", "/dev/sdh"}
    assert (found["/dev/xvda"]["Size"], found["/dev/xvda"]["VolumeType"]) == (3, "gp2")
    assert found["/dev/sdh"]["Encrypted"] is True
    assert all(volume["Tags"] == tags[0]["Tags"] for volume in found.values())
    kept = {volume["VolumeId"]: volume["Attachments"][0]["DeleteOnTermination"] for volume in found.values()}
    assert kept[found["/dev/sdg"]["VolumeId"]] is False
    end(ec2, launched)
    (left,) = ec2.describe_volumes()["Volumes"]
    assert (left["VolumeId"], left["State"]) == (found["/dev/sdg"]["VolumeId"], "available")
    ec2.delete_volume(VolumeId=left["VolumeId"])
    assert code(ec2.describe_volumes, VolumeIds=[left["VolumeId"]]) == "InvalidVolume.NotFound"


def test_a_volume_that_stays_can_become_a_snapshot(caller: Caller, ec2: Any, with_data: str) -> None:
    stay = [{"DeviceName": "/dev/sdf", "Ebs": {"DeleteOnTermination": False}}]
    launched = launch(ec2, with_data, BlockDeviceMappings=stay)
    volume = volumes(ec2, launched)["/dev/sdf"]["VolumeId"]
    assert code(ec2.delete_volume, VolumeId=volume) == "VolumeInUse"
    end(ec2, launched)
    snapshot = ec2.create_snapshot(VolumeId=volume, Description="what stayed")["SnapshotId"]
    assert same(file_of(caller, snapshot), file_of(caller, snapshots_of(ec2, with_data)[1]))


@pytest.mark.parametrize(
    "change,expected",
    [
        ({"DeviceName": "/dev/xvda", "NoDevice": ""}, "InvalidBlockDeviceMapping"),
        ({"DeviceName": "/dev/xvda", "VirtualName": "ephemeral0"}, "InvalidBlockDeviceMapping"),
        ({"DeviceName": "/dev/xvda", "Ebs": {"SnapshotId": "snap-0123456789abcdef0"}}, "InvalidBlockDeviceMapping"),
        ({"DeviceName": "/dev/sdf", "Ebs": {"SnapshotId": "snap-0123456789abcdef0"}}, "InvalidSnapshot.NotFound"),
        ({"DeviceName": "/dev/sdf", "Ebs": {"VolumeType": "gp3"}}, "MissingParameter"),
        ({"DeviceName": "/dev/sdf", "Ebs": {"VolumeSize": 65}}, "UnsupportedOperation"),
        (
            {"DeviceName": "/dev/sdf", "Ebs": {"VolumeSize": 1, "KmsKeyId": "alias/aws/ebs"}},
            "InvalidParameterDependency",
        ),
    ],
)
def test_volumes_that_cannot_be_start_nothing(ec2: Any, image: str, change: dict[str, Any], expected: str) -> None:
    asked = {"ImageId": image, "MinCount": 1, "MaxCount": 1, "BlockDeviceMappings": [change]}
    assert code(ec2.run_instances, **asked) == expected
    assert ec2.describe_instances()["Reservations"] == []
    assert ec2.describe_volumes()["Volumes"] == []


@pytest.mark.parametrize(
    "failure",
    [
        ("power_on", OSError("no processes left"), "InsufficientInstanceCapacity"),
        ("power_on", RuntimeError("a defect"), "InternalError"),
        ("_make", OSError("no space left"), "InsufficientInstanceCapacity"),
    ],
)
def test_a_launch_that_fails_half_way_leaves_nothing(
    caller: Caller, with_data: str, monkeypatch: pytest.MonkeyPatch, failure: tuple[str, Exception, str]
) -> None:
    ec2, (place, error, expected) = caller.client(), failure
    right, asked = getattr(Unpowered, place), []

    def second_fails(machine: Unpowered, *more: Any) -> None:
        asked.append(machine.spec.instance_id)
        if len(set(asked)) > 1:
            raise error
        right(machine, *more)

    subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    kept = ec2.create_network_interface(SubnetId=subnet)["NetworkInterface"]["NetworkInterfaceId"]
    monkeypatch.setattr(Unpowered, place, second_fails)
    stays = [{"DeviceName": "/dev/sdf", "Ebs": {"DeleteOnTermination": False}}]
    tags = [{"ResourceType": "instance", "Tags": [{"Key": "run", "Value": "one"}]}]
    several = {"MinCount": 2, "MaxCount": 2, "BlockDeviceMappings": stays, "TagSpecifications": tags}
    assert code(ec2.run_instances, ImageId=with_data, **several) == expected
    own = [{"DeviceIndex": 0, "NetworkInterfaceId": kept}]
    assert code(ec2.run_instances, ImageId=with_data, MinCount=1, MaxCount=1, NetworkInterfaces=own) == expected
    assert ec2.describe_instances()["Reservations"] == []
    assert ec2.describe_volumes()["Volumes"] == []
    assert ec2.describe_tags(Filters=[{"Name": "resource-type", "Values": ["instance"]}])["Tags"] == []
    (left,) = ec2.describe_network_interfaces()["NetworkInterfaces"]
    assert (left["NetworkInterfaceId"], left["Status"]) == (kept, "available")
    cloud = caller.sandbox._cloud
    assert cloud is not None
    assert not [one for one in asked if one in cloud._entries or (cloud._folder / one).exists()]


@pytest.mark.parametrize(
    "traits,kind,expected",
    [
        ({"architecture": "arm64", "boot_mode": "uefi"}, "t3.micro", "InvalidParameterValue"),
        ({"architecture": "arm64", "boot_mode": "uefi"}, "t4g.small", "UnsupportedOperation"),
        ({"architecture": "i386"}, "t2.micro", "UnsupportedOperation"),
        ({"virtualization_type": "paravirtual"}, "t3.micro", "InvalidParameterCombination"),
        ({"ena_support": None}, "t3.micro", "InvalidParameterCombination"),
        ({"boot_mode": "uefi"}, "t2.micro", "InvalidParameterCombination"),
        ({"boot_mode": "uefi"}, "t3.micro", "UnsupportedOperation"),
        ({}, "t9.huge", "InvalidParameterValue"),
        ({}, "t4g.small", "InvalidParameterValue"),
    ],
)
def test_an_image_and_a_type_must_fit(
    caller: Caller, disk: Path, traits: dict[str, Any], kind: str, expected: str
) -> None:
    made = caller.add_image(disk, "unfit", **traits)
    launching = caller.client().run_instances
    assert code(launching, ImageId=made, MinCount=1, MaxCount=1, InstanceType=kind) == expected


def test_a_stopped_instance_becomes_an_image_with_all_its_volumes(caller: Caller, ec2: Any, with_data: str) -> None:
    ec2.modify_image_attribute(ImageId=with_data, ImdsSupport={"Value": "v2.0"})
    launched = launch(ec2, with_data)
    ec2.stop_instances(InstanceIds=[launched["InstanceId"]])
    changes = [
        {"DeviceName": "/dev/sdg", "NoDevice": ""},
        {"DeviceName": "/dev/sdf", "Ebs": {"DeleteOnTermination": False, "VolumeSize": 4}},
        {"DeviceName": "/dev/sdh", "Ebs": {"VolumeSize": 5}},
    ]
    tags = [{"ResourceType": kind, "Tags": [{"Key": "of", "Value": kind}]} for kind in ("image", "snapshot")]
    made = ec2.create_image(
        InstanceId=launched["InstanceId"], Name="child", BlockDeviceMappings=changes, TagSpecifications=tags
    )["ImageId"]
    found = described(ec2, made)
    assert (found["State"], found["SourceInstanceId"]) == ("available", launched["InstanceId"])
    assert (found["SourceImageId"], found["SourceImageRegion"]) == (with_data, "us-east-1")
    assert (found["ImdsSupport"], found["BootMode"], found["Tags"]) == ("v2.0", "legacy-bios", tags[0]["Tags"])
    by_device = {one["DeviceName"]: one["Ebs"] for one in found["BlockDeviceMappings"]}
    assert {device: volume["VolumeSize"] for device, volume in by_device.items()} == {
        "/dev/xvda": 1,
        "/dev/sdf": 4,
        "/dev/sdh": 5,
    }
    assert by_device["/dev/sdf"]["DeleteOnTermination"] is False
    assert "SnapshotId" not in by_device["/dev/sdh"]
    for snapshot in ec2.describe_snapshots(SnapshotIds=snapshots_of(ec2, made))["Snapshots"]:
        assert snapshot["Description"] == f"Created by CreateImage({launched['InstanceId']}) for {made}"
        assert (snapshot["State"], snapshot["Tags"]) == ("completed", tags[1]["Tags"])
    assert same(file_of(caller, snapshots_of(ec2, made)[1]), file_of(caller, snapshots_of(ec2, with_data)[1]))
    end(ec2, launched)


def test_a_running_instance_is_rebooted_for_its_image(ec2: Any, image: str) -> None:
    launched = launch(ec2, image)
    made = ec2.create_image(InstanceId=launched["InstanceId"], Name="rebooted")["ImageId"]
    assert (described(ec2, made)["State"], state(ec2, launched)) == ("available", "running")
    end(ec2, launched)


def test_no_reboot_holds_the_guest_still(ec2: Any, image: str, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    launched = launch(ec2, image)
    monkeypatch.setattr(qmp, "execute", lambda _, command: told.append(command))
    made = ec2.create_image(InstanceId=launched["InstanceId"], Name="still", NoReboot=True)["ImageId"]
    assert (described(ec2, made)["State"], told) == ("available", ["stop", "cont"])
    ec2.create_snapshot(VolumeId=volumes(ec2, launched)["/dev/xvda"]["VolumeId"])
    assert told == ["stop", "cont"] * 2
    end(ec2, launched)


def test_snapshots_of_all_volumes_are_of_one_moment(ec2: Any, with_data: str, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    launched = launch(ec2, with_data)
    monkeypatch.setattr(qmp, "execute", lambda _, command: told.append(command))
    asked = {"InstanceId": launched["InstanceId"], "ExcludeBootVolume": True}
    made = ec2.create_snapshots(InstanceSpecification=asked, Description="both")["Snapshots"]
    wanted = {volumes(ec2, launched)[device]["VolumeId"] for device in ("/dev/sdf", "/dev/sdg")}
    assert ({one["VolumeId"] for one in made}, told) == (wanted, ["stop", "cont"])
    end(ec2, launched)


@pytest.mark.parametrize(
    "change,expected",
    [
        ({"Name": "an image"}, "InvalidAMIName.Duplicate"),
        ({"Name": "wrong!"}, "InvalidAMIName.Malformed"),
        ({"InstanceId": "i-0123456789abcdef0"}, "InvalidInstanceID.NotFound"),
        (
            {"BlockDeviceMappings": [ENCRYPTED]},
            "InvalidBlockDeviceMapping",
        ),
        ({"DryRun": True}, "DryRunOperation"),
    ],
)
def test_an_image_that_cannot_be_made_is_refused(ec2: Any, image: str, change: dict[str, Any], expected: str) -> None:
    launched = launch(ec2, image)
    asked = {"InstanceId": launched["InstanceId"], "Name": "child"}
    assert code(ec2.create_image, **(asked | change)) == expected
    assert len(ec2.describe_images(Owners=["self"])["Images"]) == 1
    end(ec2, launched)


def test_the_same_client_token_launches_once_for_each_account_and_region(
    caller: Caller, stranger: Caller, disk: Path
) -> None:
    ec2 = caller.client()
    made = caller.add_image(disk, "once", shared_with=[stranger.account_id])
    ids = [launch(client, made, ClientToken="same")["InstanceId"] for client in (ec2, ec2, stranger.client())]
    assert ids[0] == ids[1] != ids[2]
    other = {"ImageId": made, "MinCount": 1, "MaxCount": 2, "ClientToken": "same"}
    assert code(ec2.run_instances, **other) == "IdempotentParameterMismatch"
    for client, number in ((ec2, 0), (stranger.client(), 2)):
        end(client, {"InstanceId": ids[number]})


def test_a_launch_is_remembered_by_the_image(ec2: Any, image: str) -> None:
    end(ec2, launch(ec2, image))
    assert described(ec2, image)["LastLaunchedTime"]
    asked = ec2.describe_image_attribute(ImageId=image, Attribute="lastLaunchedTime")
    assert asked["LastLaunchedTime"]["Value"].endswith("Z")


def test_an_image_with_a_snapshot_of_somebody_else_does_not_take_it_away(
    caller: Caller, stranger: Caller, theirs: Any, image: str, disk: Path
) -> None:
    ec2 = caller.client()
    (snapshot,) = snapshots_of(ec2, image)
    launched = launch(theirs, stranger.add_image(disk, "theirs"))
    added = [{"DeviceName": "/dev/sdz", "Ebs": {"SnapshotId": snapshot}}]
    asked = {"InstanceId": launched["InstanceId"], "Name": "borrowed", "BlockDeviceMappings": added}
    assert code(theirs.create_image, **asked) == "InvalidSnapshot.NotFound"
    share = {"Add": [{"UserId": stranger.account_id}]}
    ec2.modify_snapshot_attribute(SnapshotId=snapshot, CreateVolumePermission=share)
    made = theirs.create_image(**asked)["ImageId"]
    ec2.deregister_image(ImageId=image)
    gone = theirs.deregister_image(ImageId=made, DeleteAssociatedSnapshots=True)["DeleteSnapshotResults"]
    assert {one["SnapshotId"]: one["ReturnCode"] for one in gone}[snapshot] == "client-error"
    assert sorted(one["ReturnCode"] for one in gone) == ["client-error", "success"]
    assert ec2.describe_snapshots(SnapshotIds=[snapshot])["Snapshots"]
    end(theirs, launched)


def test_an_image_does_not_change_the_encryption_of_a_snapshot_that_is_added(ec2: Any, image: str) -> None:
    launched = launch(ec2, image)
    added = [{"DeviceName": "/dev/sdz", "Ebs": {"SnapshotId": snapshots_of(ec2, image)[0], "Encrypted": True}}]
    asked = {"InstanceId": launched["InstanceId"], "Name": "child", "BlockDeviceMappings": added}
    assert code(ec2.create_image, **asked) == "InvalidBlockDeviceMapping"
    end(ec2, launched)


def test_an_image_is_of_its_parents_kind_when_that_is_gone(caller: Caller, disk: Path) -> None:
    ec2 = caller.client()
    kind = {"imds_support": "v2.0", "product_codes": ("abc",), "memory_mib": 300, "tpm_support": "v2.0"}
    parent = caller.add_image(disk, "parent", **kind)
    launched = launch(ec2, parent)
    before = described(ec2, parent)
    ec2.deregister_image(ImageId=parent)
    made = described(ec2, ec2.create_image(InstanceId=launched["InstanceId"], Name="child")["ImageId"])
    kept = ("BootMode", "EnaSupport", "ImdsSupport", "ProductCodes", "TpmSupport")
    assert {name: made.get(name) for name in kept} == {name: before[name] for name in kept}
    assert made["SourceImageId"] == parent
    end(ec2, launched)
