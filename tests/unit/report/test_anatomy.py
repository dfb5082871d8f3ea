"""The anatomy of an image: whole, stable, and harmless to print."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from amigate.evidence.model import LAUNCH_PERMISSION, Ec2Descriptions
from amigate.report.anatomy import SCHEMA, anatomy, as_json, as_text
from amigate.result import Target

US, THEM = "123456789012", "111122223333"
AMI = "ami-0123456789abcdef0"
TARGET = Target(kind="ami", id=AMI, account=US, region="eu-west-1", partition="aws")
ORGANIZATION = "arn:aws:organizations::111122223333:organization/o-abcdefghij"

IMAGE: dict[str, Any] = {
    "ImageId": AMI,
    "Name": "golden 7",
    "OwnerId": US,
    "State": "available",
    "Public": False,
    "PlatformDetails": "Linux/UNIX",
    "Architecture": "x86_64",
    "VirtualizationType": "hvm",
    "BootMode": "uefi-preferred",
    "EnaSupport": True,
    "SriovNetSupport": "simple",
    "ImdsSupport": "v2.0",
    "RootDeviceType": "ebs",
    "RootDeviceName": "/dev/xvda",
    "CreationDate": "2026-04-01T00:00:00.000Z",
    "DeprecationTime": "2028-04-01T00:00:00.000Z",
    "DeregistrationProtection": "disabled",
    "BlockDeviceMappings": [
        {
            "DeviceName": "/dev/xvda",
            "Ebs": {
                "SnapshotId": "snap-0123456789abcdef0",
                "VolumeSize": 8,
                "VolumeType": "gp3",
                "Encrypted": True,
                "DeleteOnTermination": True,
            },
        },
        {
            "DeviceName": "/dev/sdf",
            "Ebs": {"VolumeSize": 20, "VolumeType": "gp2", "Encrypted": False, "DeleteOnTermination": False},
        },
        {"DeviceName": "/dev/sdb", "VirtualName": "ephemeral0"},
        {"DeviceName": "/dev/sdc", "NoDevice": ""},
    ],
}
SNAPSHOT = {"SnapshotId": "snap-0123456789abcdef0", "KmsKeyId": "arn:aws:kms:eu-west-1:123456789012:key/k"}
EC2 = Ec2Descriptions(caller=US, image=IMAGE, snapshots=(SNAPSHOT,), permissions=())
OWNER_ONLY = "only its owner can see with whom the image is shared"
Granted = tuple[dict[str, str], ...]
TO_THEM, TO_ALL = {"UserId": THEM}, {"Group": "all"}
TO_ORGANIZATION = {"OrganizationArn": ORGANIZATION}


def of(permissions: Granted | None = (), **image: Any) -> dict[str, Any]:
    unseen = {LAUNCH_PERMISSION: OWNER_ONLY} if permissions is None else {}
    ec2 = replace(EC2, image={**IMAGE, **image}, permissions=permissions, unseen=unseen)
    return anatomy(replace(TARGET, account=ec2.image["OwnerId"]), ec2)


def test_the_text_shows_everything() -> None:
    assert as_text(of((TO_THEM,))) == (
        "AMI                       ami-0123456789abcdef0\n"
        "Name                      golden 7\n"
        "Description               none\n"
        "Region                    eu-west-1\n"
        "Owner                     123456789012, which is you\n"
        "State                     available\n"
        "Operating system          Linux/UNIX\n"
        "Architecture              x86_64\n"
        "Root device               ebs, /dev/xvda\n"
        "Virtualization            hvm\n"
        "Boot mode                 uefi-preferred\n"
        "ENA, SR-IOV, TPM          yes, simple, no\n"
        "IMDS                      v2.0\n"
        "Launch permission         explicit: 111122223333\n"
        "Product codes             none\n"
        "Created                   2026-04-01T00:00:00.000Z\n"
        "Deprecated from           2028-04-01T00:00:00.000Z\n"
        "Deregistration protection disabled\n"
        "Made from                 not told\n"
        "Console                   EC2 > Images > AMIs > Owned by me > ami-0123456789abcdef0\n"
        "                          https://eu-west-1.console.aws.amazon.com/ec2/home?region=eu-west-1"
        "#ImageDetails:imageId=ami-0123456789abcdef0\n"
        "Launch link               https://eu-west-1.console.aws.amazon.com/ec2/home?region=eu-west-1"
        "#LaunchInstances:ami=ami-0123456789abcdef0\n"
        "Block device mappings\n"
        "  /dev/xvda  snap-0123456789abcdef0, 8 GiB, gp3, encrypted with arn:aws:kms:eu-west-1:123456789012:key/k, "
        "goes with the instance\n"
        "  /dev/sdf  no snapshot, 20 GiB, gp2, not encrypted, outlives the instance\n"
        "  /dev/sdb  ephemeral0\n"
        "  /dev/sdc  no device\n"
    )


def test_the_json_has_its_schema_and_stable_keys() -> None:
    found = json.loads(as_json(of()))
    assert found["schema"] == SCHEMA == "amigate/inspect/1"
    assert list(found) == [
        "schema", "id", "name", "description", "region", "partition", "endpoint", "sandbox", "owner", "state",
        "platform", "usage_operation", "architecture", "virtualization", "hypervisor", "boot_mode", "ena", "sriov",
        "tpm", "imds",
        "kernel", "root", "mappings", "permissions", "product_codes", "created", "deprecated", "last_launched",
        "deregistration_protection", "source", "tags", "console", "launch_link",
    ]  # fmt: skip
    assert [mapping["kind"] for mapping in found["mappings"]] == ["ebs", "ebs", "ephemeral", "none"]
    assert found["mappings"][0]["kms_key"] == SNAPSHOT["KmsKeyId"]


@pytest.mark.parametrize(
    "permissions,image,kind,said",
    [
        ((), {}, "implicit", "implicit: the owner alone"),
        ((TO_THEM,), {}, "explicit", f"explicit: {THEM}"),
        ((TO_ORGANIZATION,), {}, "organization", f"organization: {ORGANIZATION}"),
        ((TO_THEM, TO_ORGANIZATION), {}, "organization", f"organization: {THEM}, {ORGANIZATION}"),
        ((TO_ALL,), {}, "public", "public: every AWS account\n"),
        ((TO_THEM, TO_ALL), {"Public": True}, "public", f"public: every AWS account, and by name: {THEM}"),
        (None, {"OwnerId": THEM}, "unknown", f"not known; {OWNER_ONLY}"),
        (None, {"OwnerId": THEM, "Public": True}, "public", f"public: every AWS account; {OWNER_ONLY}"),
    ],
)
def test_the_kind_of_launch_permission_is_the_widest(
    permissions: Granted | None, image: dict[str, Any], kind: str, said: str
) -> None:
    found = of(permissions, **image)
    assert found["permissions"]["kind"] == kind
    assert f"Launch permission         {said}" in as_text(found)


def test_what_cannot_be_seen_is_told_with_its_reason() -> None:
    unseen = replace(EC2, snapshots=(), unseen={"snap-0123456789abcdef0": "not shared with you"})
    assert "snapshot not seen: not shared with you" in as_text(anatomy(TARGET, unseen))
    not_asked = replace(EC2, permissions=None)
    assert "not known; it was not asked for" in as_text(anatomy(TARGET, not_asked))


def test_the_owners_words_cannot_act_on_a_terminal_or_begin_a_line() -> None:
    hostile = "\x1b]0;x\x07\r\nLaunch permission         implicit\u202e\x9b2J"
    text = as_text(of(Name=hostile, Description=hostile, RootDeviceName=hostile, PlatformDetails=hostile))
    assert all(character.isprintable() or character == "\n" for character in text)
    assert sum(line.startswith("Launch permission ") for line in text.splitlines()) == 1
    assert as_json(of(Name=hostile)).isascii()


def test_an_image_that_ec2_says_next_to_nothing_of_is_shown_all_the_same() -> None:
    bare = Ec2Descriptions(caller=US, image={"ImageId": AMI})
    text = as_text(anatomy(TARGET, bare))
    assert "Architecture              not told" in text
    assert text.endswith("Block device mappings\n  none\n")


def test_an_image_in_an_instance_store_says_so() -> None:
    found = of(RootDeviceType="instance-store", BlockDeviceMappings=[])
    assert found["root"]["type"] == "instance-store"
    assert "Root device               instance-store" in as_text(found)


@pytest.mark.parametrize(
    "image,shelf",
    [({}, "Owned by me"), ({"OwnerId": THEM}, "Private images"), ({"OwnerId": THEM, "Public": True}, "Public")],
)
def test_the_consoles_list_is_named(image: dict[str, Any], shelf: str) -> None:
    assert shelf in of(**image)["console"]["path"]


def test_a_partition_without_a_known_console_has_no_links() -> None:
    found = anatomy(replace(TARGET, partition="aws-iso"), EC2)
    assert found["launch_link"] is None
    assert "no console is known" in as_text(found)


def test_the_sandbox_says_so_first() -> None:
    assert as_text(anatomy(replace(TARGET, sandbox=True), EC2)).startswith("SANDBOX")
