"""Images that were shared before the gate had judged them, by the tool that built them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amigate.errors import SharedUpstreamError
from amigate.gate.share import holders, permissions
from amigate.sources.aws_errors import aws_errors
from amigate.sources.ec2 import describe

if TYPE_CHECKING:
    from amigate.sources.aws import Aws


_ADVICE = (
    "Take ami_users, ami_groups, ami_org_arns, ami_ou_arns, snapshot_users and snapshot_groups out of the template, "
    "and name accounts with --account. To take back what was given:"
)


def require_unshared(aws: Aws, ami: str) -> None:
    """Raise SharedUpstreamError if anybody but its owner may use the image or one of its snapshots already.

    Raises AwsError where that cannot be seen, UsageError where there is no such image."""
    target, _ = describe(aws, ami)
    shared = {ami: permissions(aws, ami)} | {snapshot: _permissions(aws, snapshot) for snapshot in target.snapshots}
    if not any(shared.values()):
        return
    told = "; ".join(f"{id_} with {', '.join(who)}" for id_, who in shared.items() if who)
    resets = "\n".join(f"    {_reset(aws, id_)}" for id_, who in shared.items() if who)
    raise SharedUpstreamError(
        f"{ami} in {aws.region} was shared before it was judged: {told}", hint=f"{_ADVICE}\n{resets}"
    )


def _permissions(aws: Aws, snapshot: str) -> tuple[str, ...]:
    """Return who may make volumes of the snapshot."""
    with aws_errors(f"read with whom {snapshot} is shared"):
        answer = aws.ec2.describe_snapshot_attribute(SnapshotId=snapshot, Attribute="createVolumePermission")
    return holders(answer.get("CreateVolumePermissions", []))


def _reset(aws: Aws, id_: str) -> str:
    if id_.startswith("ami-"):
        return f"aws ec2 reset-image-attribute --region {aws.region} --image-id {id_} --attribute launchPermission"
    return (
        f"aws ec2 reset-snapshot-attribute --region {aws.region} --snapshot-id {id_} --attribute createVolumePermission"
    )
