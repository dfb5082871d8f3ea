"""What DescribeImages tells, and to whom."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from amigate.errors import UsageError

from .conftest import Caller, code, described

if TYPE_CHECKING:
    from pathlib import Path


def test_an_image_is_described_whole(caller: Caller, ec2: Any, disk: Path) -> None:
    made = caller.add_image(
        disk,
        "whole",
        volumes={"/dev/sdf": disk, "/dev/sdg": 2},
        description="a description",
        imds_support="v2.0",
        product_codes=("abc",),
        sriov_net_support="simple",
        tpm_support="v2.0",
        owner_alias="amazon",
    )
    found = ec2.describe_images(ImageIds=[made])["Images"][0]
    root, data, empty = found.pop("BlockDeviceMappings")
    assert [one["DeviceName"] for one in (root, data, empty)] == ["/dev/xvda", "/dev/sdf", "/dev/sdg"]
    assert root["Ebs"].pop("SnapshotId") != data["Ebs"].pop("SnapshotId")
    volume = {"DeleteOnTermination": True, "VolumeSize": 1, "VolumeType": "gp3", "Encrypted": False}
    assert (root["Ebs"], data["Ebs"], empty["Ebs"]) == (volume, volume, volume | {"VolumeSize": 2})
    assert found.pop("CreationDate").endswith(".000Z")
    assert found == {
        "Architecture": "x86_64",
        "BootMode": "legacy-bios",
        "DeregistrationProtection": "disabled",
        "Description": "a description",
        "EnaSupport": True,
        "Hypervisor": "xen",
        "ImageId": made,
        "ImageLocation": f"{caller.account_id}/whole",
        "ImageOwnerAlias": "amazon",
        "ImageType": "machine",
        "ImdsSupport": "v2.0",
        "Name": "whole",
        "OwnerId": caller.account_id,
        "PlatformDetails": "Linux/UNIX",
        "ProductCodes": [{"ProductCodeId": "abc", "ProductCodeType": "marketplace"}],
        "Public": False,
        "RootDeviceName": "/dev/xvda",
        "RootDeviceType": "ebs",
        "SriovNetSupport": "simple",
        "State": "available",
        "TpmSupport": "v2.0",
        "UsageOperation": "RunInstances",
        "VirtualizationType": "hvm",
    }


def test_an_image_without_a_disk_is_of_the_instance_store_kind(caller: Caller, ec2: Any) -> None:
    made = caller.add_image(
        None, "old", image_location="bucket/image.manifest.xml", architecture="i386", kernel_id="aki-1"
    )
    found = ec2.describe_images(ImageIds=[made])["Images"][0]
    assert (found["RootDeviceType"], found["BlockDeviceMappings"]) == ("instance-store", [])
    assert (found["ImageLocation"], found["KernelId"]) == ("bucket/image.manifest.xml", "aki-1")


def test_what_an_image_has_not_is_refused(caller: Caller, disk: Path) -> None:
    with pytest.raises(UsageError, match="colour"):
        caller.add_image(disk, "colourful", colour="red")


@pytest.mark.parametrize(
    "name,value,other",
    [
        ("architecture", "x86_64", "arm64"),
        ("block-device-mapping.device-name", "/dev/xvda", "/dev/sda1"),
        ("block-device-mapping.encrypted", "false", "true"),
        ("block-device-mapping.volume-size", "1", "2"),
        ("boot-mode", "legacy-bios", "uefi"),
        ("ena-support", "true", "false"),
        ("is-public", "false", "true"),
        ("name", "filt?r*", "filter"),
        ("name", "filtered?", "filtered\\?"),
        ("root-device-type", "ebs", "instance-store"),
        ("state", "available", "pending"),
        ("tag:colour", "r*", "blue"),
        ("tag-key", "colour", "color"),
    ],
)
def test_filters_choose_as_ec2_does(caller: Caller, disk: Path, name: str, value: str, other: str) -> None:
    made, ec2 = caller.add_image(disk, "filtered!"), caller.client()
    ec2.create_tags(Resources=[made], Tags=[{"Key": "colour", "Value": "red"}])

    def found(*values: str) -> list[str]:
        filters = [{"Name": name, "Values": list(values)}]
        described = ec2.describe_images(Filters=filters, Owners=["self"])  # others may have made theirs public
        return [image["ImageId"] for image in described["Images"]]

    assert found(value) == [made]
    assert found(other) == []
    assert found(other, value) == [made]


def test_filters_go_together(caller: Caller, ec2: Any, disk: Path) -> None:
    made = caller.add_image(disk, "one")
    caller.add_image(disk, "two")
    both = [{"Name": "name", "Values": ["one", "two"]}, {"Name": "image-id", "Values": [made]}]
    assert [image["Name"] for image in ec2.describe_images(Filters=both)["Images"]] == ["one"]


def test_a_filter_that_there_is_not_is_refused(ec2: Any) -> None:
    assert code(ec2.describe_images, Filters=[{"Name": "colour", "Values": ["red"]}]) == "InvalidParameterValue"
    assert code(ec2.describe_snapshots, Filters=[{"Name": "colour", "Values": ["red"]}]) == "InvalidParameterValue"


def test_owners_and_executable_users_choose(caller: Caller, stranger: Caller, ec2: Any, disk: Path) -> None:
    own = caller.add_image(disk, "own", shared_with=[stranger.account_id])
    shared = stranger.add_image(disk, "shared", shared_with=[caller.account_id], owner_alias="amazon")
    stranger.add_image(disk, "hidden")

    def found(**asked: Any) -> set[str]:
        return {image["ImageId"] for image in ec2.describe_images(**asked)["Images"]}

    assert found() >= {own, shared}
    assert found(Owners=["self"]) == found(Owners=[caller.account_id]) == {own}
    assert found(Owners=[stranger.account_id]) == {shared}
    assert shared in found(Owners=["amazon"])
    assert found(ExecutableUsers=["self"]) == {shared}
    assert found(ExecutableUsers=[stranger.account_id]) == {own}
    assert found(ExecutableUsers=["self"], Owners=["self"]) == set()


def test_pages_hold_every_image_once(caller: Caller, ec2: Any, disk: Path) -> None:
    made = {caller.add_image(disk, f"page {number}") for number in range(5)}
    pages = list(ec2.get_paginator("describe_images").paginate(Owners=["self"], PaginationConfig={"PageSize": 2}))
    assert [len(page["Images"]) for page in pages] == [2, 2, 1]
    assert {image["ImageId"] for page in pages for image in page["Images"]} == made


def test_pages_that_nobody_announced_are_refused(ec2: Any, image: str) -> None:
    assert code(ec2.describe_images, NextToken="made up") == "InvalidNextToken"
    assert code(ec2.describe_images, MaxResults=0) == "InvalidParameterValue"
    assert code(ec2.describe_images, MaxResults=5, ImageIds=[image]) == "InvalidParameterCombination"


def test_others_see_neither_tags_nor_what_is_the_owners(caller: Caller, stranger: Caller, disk: Path) -> None:
    made = caller.add_image(disk, "tagged", shared_with=[stranger.account_id], source_instance_id="i-0123456789abcdef0")
    caller.client().create_tags(Resources=[made], Tags=[{"Key": "secret", "Value": "name"}])
    seen = described(stranger.client(), made)
    assert not {"Tags", "SourceInstanceId", "DeregistrationProtection", "LastLaunchedTime"} & seen.keys()
