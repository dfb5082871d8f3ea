"""Images at the end of their life."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from moto.core.utils import utcnow

from amigate.sandbox.api import lifecycle

from .conftest import Caller, code, described, snapshots_of

if TYPE_CHECKING:
    from pathlib import Path


def listed(client: Any, **asked: Any) -> set[str]:
    return {image["ImageId"] for image in client.describe_images(**asked)["Images"]}


def test_a_deprecated_image_is_hidden_from_others_who_do_not_name_it(
    caller: Caller, stranger: Caller, ec2: Any, disk: Path
) -> None:
    over = utcnow() - timedelta(days=1)
    made = caller.add_image(disk, "old", shared_with=[stranger.account_id], deprecation_time=over)
    theirs = stranger.client()
    assert made in listed(ec2)
    assert made not in listed(theirs)
    assert made in listed(theirs, IncludeDeprecated=True)
    assert described(theirs, made)["DeprecationTime"] == f"{over:%Y-%m-%dT%H:%M:%S}.000Z"


def test_deprecation_is_kept_to_the_minute_and_taken_back(ec2: Any, image: str) -> None:
    at = datetime(datetime.now(UTC).year + 1, 5, 6, 7, 8, 31, tzinfo=UTC)
    ec2.enable_image_deprecation(ImageId=image, DeprecateAt=at)
    assert described(ec2, image)["DeprecationTime"] == f"{at.year}-05-06T07:09:00.000Z"
    ec2.disable_image_deprecation(ImageId=image)
    assert "DeprecationTime" not in described(ec2, image)


@pytest.mark.parametrize("away", [timedelta(days=-1), timedelta(days=3660)])
def test_deprecation_is_in_the_future_and_not_too_far(ec2: Any, image: str, away: timedelta) -> None:
    at = datetime.now(UTC) + away
    assert code(ec2.enable_image_deprecation, ImageId=image, DeprecateAt=at) == "InvalidParameterValue"


def test_a_public_image_has_two_years_at_most(ec2: Any, image: str) -> None:
    ec2.disable_image_block_public_access()
    ec2.modify_image_attribute(ImageId=image, LaunchPermission={"Add": [{"Group": "all"}]})
    now = datetime.now(UTC)
    late = {"ImageId": image, "DeprecateAt": now + timedelta(days=1000)}
    assert code(ec2.enable_image_deprecation, **late) == "InvalidParameterValue"
    ec2.enable_image_deprecation(ImageId=image, DeprecateAt=now + timedelta(days=10))
    ec2.disable_image_deprecation(ImageId=image)
    assert described(ec2, image)["DeprecationTime"] > f"{now + timedelta(days=729):%Y-%m-%d}"


def test_disabling_takes_all_permissions_away_for_good(caller: Caller, stranger: Caller, disk: Path) -> None:
    ec2, theirs = caller.client(), stranger.client()
    made = caller.add_image(disk, "off", shared_with=[stranger.account_id])
    ec2.disable_image(ImageId=made)
    assert made not in listed(ec2)
    assert made in listed(ec2, IncludeDisabled=True)
    assert described(ec2, made)["State"] == "disabled"
    assert code(theirs.describe_images, ImageIds=[made]) == "InvalidAMIID.NotFound"
    assert code(ec2.run_instances, ImageId=made, MinCount=1, MaxCount=1) == "InvalidAMIID.Unavailable"
    share = {"Add": [{"UserId": stranger.account_id}]}
    assert code(ec2.modify_image_attribute, ImageId=made, LaunchPermission=share) == "InvalidAMIID.Unavailable"
    ec2.enable_image(ImageId=made)
    assert described(ec2, made)["State"] == "available"
    assert code(theirs.describe_images, ImageIds=[made]) == "InvalidAMIID.NotFound"


def test_a_protected_image_stays(ec2: Any, image: str) -> None:
    ec2.enable_image_deregistration_protection(ImageId=image)
    assert described(ec2, image)["DeregistrationProtection"] == "enabled-without-cooldown"
    assert code(ec2.deregister_image, ImageId=image) == "OperationNotPermitted"
    ec2.disable_image_deregistration_protection(ImageId=image)
    ec2.deregister_image(ImageId=image)
    assert code(ec2.describe_images, ImageIds=[image]) == "InvalidAMIID.NotFound"


def test_the_cooldown_keeps_it_a_day_longer(ec2: Any, image: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ec2.enable_image_deregistration_protection(ImageId=image, WithCooldown=True)
    assert described(ec2, image)["DeregistrationProtection"] == "enabled-with-cooldown"
    ec2.disable_image_deregistration_protection(ImageId=image)
    assert code(ec2.deregister_image, ImageId=image) == "OperationNotPermitted"
    tomorrow = utcnow() + timedelta(hours=25)
    monkeypatch.setattr(lifecycle, "utcnow", lambda: tomorrow)
    ec2.deregister_image(ImageId=image)


def test_deregistering_takes_the_snapshots_that_nobody_needs_on_request(ec2: Any, image: str) -> None:
    (snapshot,) = snapshots_of(ec2, image)
    root = [{"DeviceName": "/dev/sda1", "Ebs": {"SnapshotId": snapshot}}]
    other = ec2.register_image(Name="other", RootDeviceName="/dev/sda1", BlockDeviceMappings=root)["ImageId"]
    first = ec2.deregister_image(ImageId=image, DeleteAssociatedSnapshots=True)
    assert first["DeleteSnapshotResults"] == [{"SnapshotId": snapshot, "ReturnCode": "skipped"}]
    second = ec2.deregister_image(ImageId=other, DeleteAssociatedSnapshots=True)
    assert second["DeleteSnapshotResults"] == [{"SnapshotId": snapshot, "ReturnCode": "success"}]
    assert code(ec2.describe_snapshots, SnapshotIds=[snapshot]) == "InvalidSnapshot.NotFound"


def test_every_image_is_allowed(ec2: Any) -> None:
    assert ec2.get_allowed_images_settings()["State"] == "disabled"
    enable = ec2.enable_allowed_images_settings
    assert code(enable, AllowedImagesSettingsState="enabled") == "UnsupportedOperation"
    assert ec2.disable_allowed_images_settings()["AllowedImagesSettingsState"] == "disabled"


def test_an_image_that_failed_never_becomes_available(ec2: Any, image: str) -> None:
    copy = {"SourceRegion": "us-east-1", "SourceImageId": image, "Encrypted": True, "KmsKeyId": "alias/none"}
    failed = ec2.copy_image(Name="failed", **copy)["ImageId"]
    assert code(ec2.disable_image, ImageId=failed) == "InvalidAMIID.Unavailable"
    assert code(ec2.enable_image, ImageId=failed) == "InvalidAMIID.Unavailable"
    assert described(ec2, failed)["State"] == "failed"
