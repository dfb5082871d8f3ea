"""Making an image of a stopped instance, whole or not at all."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Any

from amigate.errors import AwsError
from amigate.sources.aws_errors import aws_errors, code_of
from amigate.sources.patience import persist

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_ec2.type_defs import FilterTypeDef

    from amigate.sources.launch import AccountRun

AVAILABLE_S = 3600.0
BAKE_TAG = "amigate:bake"
"""On the image and its snapshots; not the tag of the run, whose things are removed."""


def make_image(run: AccountRun, instance_id: str, name: str, *, source: str, progress: Callable[[str], None]) -> str:
    """Return the id of the new image, once it is available.

    However else this ends, image and snapshots are removed; raises AwsError, naming what could not be."""
    try:
        image_id = _create(run, instance_id, name, source)
        progress(f"{image_id}: waiting until it is available")
        _await_available(run, image_id)
    except BaseException as error:
        left = _remove(run)
        if left and isinstance(error, Exception):
            raise AwsError(f"{error}; still there, please remove: {', '.join(left)}") from error
        raise
    return image_id


def _create(run: AccountRun, instance_id: str, name: str, source: str) -> str:
    tags: list[Any] = [{"Key": BAKE_TAG, "Value": run.run_id}, {"Key": "amigate:baked-from", "Value": source}]
    with aws_errors(f"make an image of {instance_id}"):
        answer = run.aws.ec2.create_image(
            InstanceId=instance_id,
            Name=name,
            Description=f"Hardened by amigate from {source}",
            TagSpecifications=[
                {"ResourceType": "image", "Tags": tags},
                {"ResourceType": "snapshot", "Tags": tags},
            ],
        )
    return answer["ImageId"]


def _await_available(run: AccountRun, image_id: str) -> None:
    until = time.monotonic() + AVAILABLE_S
    while True:
        with aws_errors(f"describe {image_id}"):  # by filter: an id that is not known yet is no error
            images = run.aws.ec2.describe_images(Filters=[{"Name": "image-id", "Values": [image_id]}])["Images"]
        state = images[0].get("State", "pending") if images else "pending"
        if state == "available":
            return
        if state != "pending":
            raise AwsError(f"{image_id} became {state} instead of available")
        if time.monotonic() > until:
            raise AwsError(f"{image_id} was not available within {AVAILABLE_S:.0f} s")
        time.sleep(run.pause_s)


def _remove(run: AccountRun) -> list[str]:
    """Deregister the image and delete its snapshots; return the ids of what is left."""
    ours: list[FilterTypeDef] = [{"Name": f"tag:{BAKE_TAG}", "Values": [run.run_id]}]
    ec2 = run.aws.ec2
    left = []
    try:
        images = _asked(run, lambda: ec2.describe_images(Owners=["self"], Filters=ours)["Images"])
        snapshots = {
            mapping["Ebs"]["SnapshotId"]
            for image in images
            for mapping in image.get("BlockDeviceMappings", [])
            if mapping.get("Ebs", {}).get("SnapshotId")
        }
        found = _asked(run, lambda: ec2.describe_snapshots(OwnerIds=["self"], Filters=ours)["Snapshots"])
        snapshots |= {snapshot["SnapshotId"] for snapshot in found}
    except AwsError:
        return [f"images and snapshots tagged {BAKE_TAG}={run.run_id}"]
    for image in images:
        left += _gone(run, image["ImageId"], partial(ec2.deregister_image, ImageId=image["ImageId"]))
    for id_ in sorted(snapshots):
        left += _gone(run, id_, partial(ec2.delete_snapshot, SnapshotId=id_))
    return left


def _asked(run: AccountRun, call: Callable[[], Any]) -> Any:
    return persist("look for what this run made", call, pause_s=run.pause_s)


def _gone(run: AccountRun, id_: str, call: Callable[[], Any]) -> list[str]:
    try:
        persist(f"remove {id_}", call, pause_s=run.pause_s)
    except AwsError as error:
        return [] if code_of(error).endswith((".NotFound", ".Unavailable")) else [id_]
    return []
