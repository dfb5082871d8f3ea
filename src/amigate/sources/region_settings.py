"""What an account may share in a region, and who may make volumes of its snapshots."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from amigate.errors import AwsError
from amigate.sources.aws_errors import code_of
from amigate.sources.clients import Service

if TYPE_CHECKING:
    from collections.abc import Mapping

    from amigate.sources.aws import Aws

PUBLIC_IMAGES = "L-0E3CBAB9"
"""Service Quotas' code of "Public AMIs", for each region: 5 at first."""
SHARING = "L-70015FFA"
"""Its code of "AMI sharing": with how many accounts, organizations and units an image can be shared, 1,000 at first.

https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ami-quotas.html"""


def public_access(aws: Aws, _: Mapping[str, Any]) -> dict[str, Any]:
    """Return whether images may become public, and who says so."""
    what = f"ask whether {aws.region} blocks public access to images"
    return Service.of(aws, "ec2").ask("get_image_block_public_access_state", what)


def encryption_by_default(aws: Aws, _: Mapping[str, Any]) -> dict[str, Any]:
    """Return whether everything new is encrypted."""
    what = f"ask whether {aws.region} encrypts by default"
    return Service.of(aws, "ec2").ask("get_ebs_encryption_by_default", what)


def public_images(aws: Aws, image: Mapping[str, Any]) -> dict[str, int]:
    """Return how many other images of the account are public, and how many lie in the Recycle Bin, public or not."""
    ec2 = Service.of(aws, "ec2")
    public = ec2.pages(
        "describe_images",
        f"list the public images in {aws.region}",
        "Images",
        most=100,
        Owners=["self"],
        Filters=[{"Name": "is-public", "Values": ["true"]}],
        IncludeDeprecated=True,
        IncludeDisabled=True,
        MaxResults=1000,
    )
    others = sum(each.get("ImageId") != image.get("ImageId") for each in public)
    thrown = ec2.pages(
        "list_images_in_recycle_bin", f"list the Recycle Bin in {aws.region}", "Images", most=100, MaxResults=1000
    )
    return {"Public": others, "RecycleBin": sum(1 for _ in thrown)}


def public_quota(aws: Aws, _: Mapping[str, Any]) -> float:
    """Return how many images may be public."""
    return _quota(aws, PUBLIC_IMAGES)


def sharing_quota(aws: Aws, _: Mapping[str, Any]) -> float:
    """Return with how many others an image may be shared."""
    return _quota(aws, SHARING)


def snapshot_permissions(aws: Aws, snapshot_id: str) -> list[dict[str, str]]:
    """Return who may make volumes of a snapshot, which only its owner can see."""
    answer = Service.of(aws, "ec2").ask(
        "describe_snapshot_attribute",
        f"read who may use {snapshot_id}",
        SnapshotId=snapshot_id,
        Attribute="createVolumePermission",
    )
    return list(answer.get("CreateVolumePermissions", []))


def _quota(aws: Aws, code: str) -> float:
    """Return the value that holds for the account; AWS's own where nobody has had it changed."""
    quotas = Service.of(aws, "service-quotas")
    what = f"ask for the quota {code} of EC2 in {aws.region}"
    try:
        answer = quotas.ask("get_service_quota", what, ServiceCode="ec2", QuotaCode=code)
    except AwsError as error:
        if code_of(error) != "NoSuchResourceException":
            raise
        answer = quotas.ask("get_aws_default_service_quota", what, ServiceCode="ec2", QuotaCode=code)
    quota = answer.get("Quota", {})
    if "Value" not in quota:
        raise AwsError(f"could not {what}: the answer has no value")
    return float(quota["Value"])
