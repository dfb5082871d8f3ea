"""Who may launch an image, in every form in which EC2 takes it, and who is refused."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from .conftest import Caller, code, described, snapshots_of

if TYPE_CHECKING:
    from pathlib import Path

FRIEND = "111111111111"
ORGANIZATION = "arn:aws:organizations::123456789012:organization/o-abcdefghij"
UNIT = "arn:aws:organizations::123456789012:ou/o-abcdefghij/ou-abcd-12345678"
ALL = {"Group": "all"}


@pytest.fixture
def unblocked(ec2: Any) -> None:
    ec2.disable_image_block_public_access()


def permitted(ec2: Any, image: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = ec2.describe_image_attribute(ImageId=image, Attribute="launchPermission")[
        "LaunchPermissions"
    ]
    return found


@pytest.mark.usefixtures("unblocked")
def test_permissions_of_every_kind_are_added_and_removed(ec2: Any, image: str) -> None:
    everybody = [{"UserId": FRIEND}, ALL, {"OrganizationArn": ORGANIZATION}, {"OrganizationalUnitArn": UNIT}]
    ec2.modify_image_attribute(ImageId=image, LaunchPermission={"Add": everybody})
    ec2.modify_image_attribute(ImageId=image, LaunchPermission={"Add": everybody[:1]})
    assert permitted(ec2, image) == everybody
    assert described(ec2, image)["Public"] is True
    ec2.modify_image_attribute(ImageId=image, LaunchPermission={"Remove": [ALL], "Add": [{"UserId": "222222222222"}]})
    ec2.modify_image_attribute(ImageId=image, LaunchPermission={"Remove": [{"UserId": "333333333333"}]})
    assert permitted(ec2, image) == [everybody[0], *everybody[2:], {"UserId": "222222222222"}]
    ec2.reset_image_attribute(ImageId=image, Attribute="launchPermission")
    assert permitted(ec2, image) == []


@pytest.mark.usefixtures("unblocked")
@pytest.mark.parametrize(
    "lists,expected",
    [
        ({"UserIds": [FRIEND, "222222222222"]}, [{"UserId": FRIEND}, {"UserId": "222222222222"}]),
        ({"UserGroups": ["all"]}, [ALL]),
        ({"OrganizationArns": [ORGANIZATION]}, [{"OrganizationArn": ORGANIZATION}]),
        ({"OrganizationalUnitArns": [UNIT]}, [{"OrganizationalUnitArn": UNIT}]),
    ],
)
def test_the_older_form_does_the_same(
    ec2: Any, image: str, lists: dict[str, list[str]], expected: list[dict[str, str]]
) -> None:
    ec2.modify_image_attribute(ImageId=image, Attribute="launchPermission", OperationType="add", **lists)
    assert permitted(ec2, image) == expected
    ec2.modify_image_attribute(ImageId=image, OperationType="remove", **lists)
    assert permitted(ec2, image) == []


def test_accounts_in_both_forms_without_an_operation_are_taken_from_the_structure(ec2: Any, image: str) -> None:
    """So does Packer's `ami_users`."""
    ec2.modify_image_attribute(
        ImageId=image,
        Attribute="launchPermission",
        UserIds=[FRIEND],
        LaunchPermission={"Add": [{"UserId": FRIEND}]},
    )
    assert permitted(ec2, image) == [{"UserId": FRIEND}]


@pytest.mark.parametrize(
    "kind,value",
    [
        ("UserId", "1234"),
        ("UserId", "12345678901x"),
        ("Group", "everyone"),
        ("OrganizationArn", "o-abcdefghij"),
        ("OrganizationArn", UNIT),
        ("OrganizationalUnitArn", ORGANIZATION),
        ("OrganizationalUnitArn", "arn:aws:organizations::1:ou/o-abcdefghij/ou-abcd-12345678"),
    ],
)
def test_who_cannot_be_named_is_refused_and_nothing_changes(ec2: Any, image: str, kind: str, value: str) -> None:
    both = {"Add": [{"UserId": FRIEND}, {kind: value}]}
    assert code(ec2.modify_image_attribute, ImageId=image, LaunchPermission=both) == "InvalidAMIAttributeItemValue"
    assert permitted(ec2, image) == []


def test_only_the_owner_changes_or_reads_permissions(caller: Caller, stranger: Caller, disk: Path) -> None:
    made = caller.add_image(disk, shared_with=[stranger.account_id])
    theirs = stranger.client()
    add = {"Add": [{"UserId": FRIEND}]}
    assert described(theirs, made)["OwnerId"] == caller.account_id
    assert code(theirs.modify_image_attribute, ImageId=made, LaunchPermission=add) == "AuthFailure"
    assert code(theirs.describe_image_attribute, ImageId=made, Attribute="launchPermission") == "AuthFailure"
    assert code(theirs.reset_image_attribute, ImageId=made, Attribute="launchPermission") == "AuthFailure"
    assert code(theirs.deregister_image, ImageId=made) == "AuthFailure"


def test_an_image_appears_and_disappears_with_its_permission(caller: Caller, ec2: Any, theirs: Any, image: str) -> None:
    stranger = theirs.describe_security_groups()["SecurityGroups"][0]["OwnerId"]
    assert code(theirs.describe_images, ImageIds=[image]) == "InvalidAMIID.NotFound"
    ec2.modify_image_attribute(ImageId=image, LaunchPermission={"Add": [{"UserId": stranger}]})
    assert described(theirs, image)["OwnerId"] == caller.account_id
    ec2.modify_image_attribute(ImageId=image, LaunchPermission={"Remove": [{"UserId": stranger}]})
    assert code(theirs.run_instances, ImageId=image, MinCount=1, MaxCount=1) == "InvalidAMIID.NotFound"


def test_a_new_account_may_not_publish_until_it_says_so(ec2: Any, theirs: Any, image: str) -> None:
    add = {"ImageId": image, "LaunchPermission": {"Add": [ALL]}}
    assert ec2.get_image_block_public_access_state()["ImageBlockPublicAccessState"] == "block-new-sharing"
    assert code(ec2.modify_image_attribute, **add) == "OperationNotPermitted"
    ec2.disable_image_block_public_access()
    assert ec2.get_image_block_public_access_state()["ImageBlockPublicAccessState"] == "unblocked"
    ec2.modify_image_attribute(**add)
    assert described(theirs, image)["Public"] is True
    ec2.enable_image_block_public_access(ImageBlockPublicAccessState="block-new-sharing")
    assert described(theirs, image)["Public"] is True
    assert ec2.get_image_block_public_access_state()["ManagedBy"] == "account"


def test_public_access_is_a_matter_of_account_and_region(caller: Caller, ec2: Any, theirs: Any) -> None:
    ec2.disable_image_block_public_access()
    elsewhere = caller.client(region="eu-west-1")
    for other in (theirs, elsewhere):
        assert other.get_image_block_public_access_state()["ImageBlockPublicAccessState"] == "block-new-sharing"


@pytest.mark.usefixtures("unblocked")
def test_what_is_encrypted_or_sold_never_becomes_public(caller: Caller, ec2: Any, disk: Path) -> None:
    add = {"LaunchPermission": {"Add": [ALL]}}
    encrypted = caller.add_image(disk, "encrypted", kms_key_id="arn:aws:kms:us-east-1:123456789012:key/their-own")
    assert code(ec2.modify_image_attribute, ImageId=encrypted, **add) == "UnsupportedOperation"
    sold = caller.add_image(disk, "sold", product_codes=["abc"])
    assert code(ec2.modify_image_attribute, ImageId=sold, **add) == "UnsupportedOperation"
    for made in (encrypted, sold):
        ec2.modify_image_attribute(ImageId=made, LaunchPermission={"Add": [{"UserId": FRIEND}]})


def test_what_is_encrypted_with_awss_own_key_is_never_shared(caller: Caller, ec2: Any, disk: Path) -> None:
    made = caller.add_image(disk, "managed", encrypted=True)
    add = {"Add": [{"UserId": FRIEND}]}
    assert code(ec2.modify_image_attribute, ImageId=made, LaunchPermission=add) == "InvalidParameter"
    (snapshot,) = snapshots_of(ec2, made)
    share = {"SnapshotId": snapshot, "CreateVolumePermission": add}
    assert code(ec2.modify_snapshot_attribute, **share) == "OperationNotPermitted"


@pytest.mark.usefixtures("unblocked")
def test_a_public_image_is_deprecated_two_years_after_its_creation(ec2: Any, image: str) -> None:
    ec2.modify_image_attribute(ImageId=image, LaunchPermission={"Add": [ALL]})
    found = described(ec2, image)
    created, end = (datetime.fromisoformat(found[name]) for name in ("CreationDate", "DeprecationTime"))
    assert end - created == timedelta(days=730)


@pytest.mark.parametrize(
    "asked,expected",
    [
        ({}, "InvalidParameterCombination"),
        ({"UserIds": [FRIEND]}, "MissingParameter"),
        ({"Attribute": "bootMode", "Value": "uefi"}, "InvalidParameterValue"),
        ({"Attribute": "productCodes", "ProductCodes": ["abc"]}, "UnsupportedOperation"),
        ({"ImdsSupport": {"Value": "v1.0"}}, "InvalidParameterValue"),
    ],
)
def test_other_attributes_do_not_change(ec2: Any, image: str, asked: dict[str, Any], expected: str) -> None:
    assert code(ec2.modify_image_attribute, ImageId=image, **asked) == expected


def test_description_and_imds_support_change(ec2: Any, image: str) -> None:
    ec2.modify_image_attribute(ImageId=image, Description={"Value": "new"})
    ec2.modify_image_attribute(ImageId=image, Attribute="imdsSupport", Value="v2.0")
    found = described(ec2, image)
    assert (found["Description"], found["ImdsSupport"]) == ("new", "v2.0")
    ec2.modify_image_attribute(ImageId=image, Attribute="description", Value="")
    assert ec2.describe_image_attribute(ImageId=image, Attribute="description")["Description"] == {"Value": ""}


def test_each_attribute_is_described_by_itself(caller: Caller, ec2: Any, disk: Path) -> None:
    made = caller.add_image(disk, "attributes", product_codes=["abc"], sriov_net_support="simple", imds_support="v2.0")

    def attribute(name: str) -> Any:
        answer = ec2.describe_image_attribute(ImageId=made, Attribute=name)
        return {key: value for key, value in answer.items() if key not in {"ImageId", "ResponseMetadata"}}

    assert attribute("bootMode") == {"BootMode": {"Value": "legacy-bios"}}
    assert attribute("imdsSupport") == {"ImdsSupport": {"Value": "v2.0"}}
    assert attribute("sriovNetSupport") == {"SriovNetSupport": {"Value": "simple"}}
    assert attribute("deregistrationProtection") == {"DeregistrationProtection": {"Value": "disabled"}}
    assert attribute("productCodes")["ProductCodes"][0]["ProductCodeId"] == "abc"
    assert attribute("blockDeviceMapping")["BlockDeviceMappings"] == described(ec2, made)["BlockDeviceMappings"]
    assert not attribute("kernel").get("KernelId")
    assert not attribute("lastLaunchedTime").get("LastLaunchedTime")
    assert code(ec2.describe_image_attribute, ImageId=made, Attribute="colour") == "InvalidParameterValue"


@pytest.mark.parametrize(
    "key", ["their-own", "alias/none", "arn:aws:kms:us-east-1:me:key/x", "arn:aws:kms:moon-1:123456789012:key/x"]
)
def test_what_is_encrypted_with_a_key_that_is_not_there_can_be_shared(
    caller: Caller, ec2: Any, disk: Path, key: str
) -> None:
    made = caller.add_image(disk, "of a key unknown", kms_key_id=key)
    share = {"Add": [{"UserId": "111111111111"}]}
    ec2.modify_image_attribute(ImageId=made, LaunchPermission=share)
    ec2.modify_snapshot_attribute(SnapshotId=snapshots_of(ec2, made)[0], CreateVolumePermission=share)
