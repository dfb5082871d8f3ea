"""Deregistering an image that failed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from amigate.errors import AwsError
from amigate.gate.upstream import require_unshared
from amigate.sources.aws_errors import aws_errors
from amigate.sources.ec2 import describe

if TYPE_CHECKING:
    from amigate.sources.aws import Aws


def deregister(aws: Aws, ami: str) -> tuple[str, ...]:
    """Deregister an image that nobody else may use, and delete the snapshots made for it; return the ids of those.

    A snapshot that was there before, and is only in the image's mapping, stays. Raises AmigateError, naming what is
    still there."""
    require_unshared(aws, ami)
    _, ec2 = describe(aws, ami)
    snapshots = [str(each["SnapshotId"]) for each in ec2.snapshots if _made_for(ami, str(each.get("Description", "")))]
    with aws_errors(f"deregister {ami}"):
        aws.ec2.deregister_image(ImageId=ami)
    left = [error for snapshot in snapshots if (error := _delete(aws, snapshot))]
    if left:
        raise AwsError(f"{ami} is deregistered, but not all of its snapshots are gone: {'; '.join(left)}")
    return tuple(snapshots)


def _made_for(ami: str, description: str) -> bool:
    """Whether EC2 says so: `Created by CreateImage(i-…) for ami-…`, `Copied for DestinationAmi ami-… from …`."""
    return re.search(rf"\b(?:for|DestinationAmi) {ami}\b", description) is not None


def _delete(aws: Aws, snapshot: str) -> str:
    try:
        with aws_errors(f"delete {snapshot}"):
            aws.ec2.delete_snapshot(SnapshotId=snapshot)
    except AwsError as error:
        return str(error)
    return ""
