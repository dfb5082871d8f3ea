"""What EC2 says of an image, asked without launching it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from amigate.errors import AwsError, UsageError
from amigate.evidence.model import LAUNCH_PERMISSION, WATERMARKS, Ec2Descriptions
from amigate.result import Target
from amigate.sources.asking import answers
from amigate.sources.aws_errors import aws_errors, code_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from amigate.check import Ask
    from amigate.sources.aws import Aws

AMI_ID = re.compile(r"ami-([0-9a-f]{8}|[0-9a-f]{17})")
NOT_THERE = {"InvalidAMIID.NotFound", "InvalidAMIID.Unavailable"}


def describe(aws: Aws, ami_id: str, asks: Collection[Ask] = ()) -> tuple[Target, Ec2Descriptions]:
    """Return the image `ami_id` as a target, and what EC2 says of it and of its snapshots.

    `asks` is what AWS is asked besides; what it does not answer is `unseen`.
    An image of another account is returned as it is. Raises UsageError for an id that is malformed or names
    nothing that these credentials can see; a snapshot that cannot be described is `unseen`."""
    require_ami_id(ami_id)
    image = _image(aws, ami_id)
    ids = _snapshot_ids(image)
    snapshots, unseen = _snapshots(aws, ids)
    permissions = _permissions(aws, image, unseen)
    if WATERMARKS not in aws.ec2.meta.service_model.shape_for("Image").members:  # type: ignore[attr-defined] # a structure
        unseen[WATERMARKS] = "the installed boto3 does not know watermarks of images: install a newer one"
    answered, unanswered = answers(aws, asks, image, snapshots)
    target = Target(
        kind="ami",
        id=ami_id,
        name=str(image.get("Name", "")),
        endpoint=aws.endpoint,
        partition=aws.partition,
        account=str(image.get("OwnerId", "")),
        region=aws.region,
        snapshots=ids,
        sandbox=aws.sandbox,
    )
    return target, Ec2Descriptions(
        caller=aws.account,
        image=image,
        snapshots=snapshots,
        permissions=permissions,
        answers=answered,
        unseen=unseen | unanswered,
    )


def require_ami_id(text: str) -> None:
    """Raise UsageError unless `text` has the form of an AMI id; AWS is not asked."""
    if not AMI_ID.fullmatch(text):
        raise UsageError(
            f"{_shown(text)} is no AMI id",
            hint="an AMI id is ami- and 8 or 17 digits or letters a to f, such as ami-0123456789abcdef0",
        )


def _image(aws: Aws, ami_id: str) -> Mapping[str, Any]:
    images: list[Any] = []
    try:
        with aws_errors(f"describe {ami_id}"):
            images += aws.ec2.describe_images(ImageIds=[ami_id], IncludeDeprecated=True, IncludeDisabled=True)["Images"]
    except AwsError as error:
        if code_of(error) not in NOT_THERE:
            raise
    if not images:
        raise UsageError(
            f"there is no {ami_id} in {aws.region} that account {aws.account} can see",
            hint="check the region (--region); an AMI of another account must be shared with yours; "
            "a deregistered AMI is gone",
        )
    return dict(images[0])


def _snapshot_ids(image: Mapping[str, Any]) -> tuple[str, ...]:
    mappings = image.get("BlockDeviceMappings", [])
    ids = [mapping.get("Ebs", {}).get("SnapshotId", "") for mapping in mappings]
    return tuple(dict.fromkeys(id_ for id_ in ids if id_))


def _snapshots(aws: Aws, ids: tuple[str, ...]) -> tuple[tuple[Mapping[str, Any], ...], dict[str, str]]:
    """Ask for one at a time, so that one which cannot be seen hides no other."""
    seen: list[Mapping[str, Any]] = []
    unseen: dict[str, str] = {}
    for snapshot_id in ids:
        try:
            with aws_errors(f"describe {snapshot_id}"):
                found = aws.ec2.describe_snapshots(SnapshotIds=[snapshot_id])["Snapshots"]
                seen += [dict(snapshot) for snapshot in found]
        except AwsError as error:
            unseen[snapshot_id] = str(error)
    return tuple(seen), unseen


def _permissions(aws: Aws, image: Mapping[str, Any], unseen: dict[str, str]) -> tuple[Mapping[str, str], ...] | None:
    """Return the launch permissions, of all four kinds; None, and why in `unseen`, when AWS does not show them."""
    if image.get("OwnerId") != aws.account:
        unseen[LAUNCH_PERMISSION] = "only its owner can see with whom the image is shared"
        return None
    try:
        with aws_errors(f"read the launch permissions of {image['ImageId']}"):
            answer = aws.ec2.describe_image_attribute(ImageId=image["ImageId"], Attribute=LAUNCH_PERMISSION)
    except AwsError as error:
        unseen[LAUNCH_PERMISSION] = str(error)
        return None
    return tuple({str(kind): str(who) for kind, who in each.items()} for each in answer.get("LaunchPermissions", ()))


def _shown(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:40] + "…")  # noqa: PLR2004 - enough to recognise it
