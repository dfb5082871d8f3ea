"""The images that an image was made from, by AWS's own record, and who owns them."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from amigate.errors import AmigateError
from amigate.sources.clients import Service

if TYPE_CHECKING:
    from collections.abc import Mapping

    from amigate.sources.aws import Aws

MOST = 20
"""Ancestors that are described; https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_GetImageAncestry.html"""
_KEPT = ("ImageId", "CreationDate", "ImageOwnerAlias", "SourceImageId", "SourceImageRegion")


def ancestry(aws: Aws, image: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the ancestors, parent first, each as GetImageAncestry tells of it.

    Those that can still be described have `OwnerId`, and `IsCopy` where it can be told that CreateImage did not make
    them. Nobody is asked about an image that says it has no source."""
    if not image.get("SourceImageId"):
        return []
    what = f"trace the ancestry of {image['ImageId']}"
    entries = Service.of(aws, "ec2").ask("get_image_ancestry", what, ImageId=image["ImageId"])["ImageAncestryEntries"]
    chain = [{name: entry[name] for name in _KEPT if name in entry} for entry in entries[: MOST + 1]]
    return [
        ancestor | _owner(aws, str(ancestor.get("ImageId", "")), str(child.get("SourceImageRegion", "")))
        for child, ancestor in pairwise(chain)
    ]


def _owner(aws: Aws, image_id: str, region: str) -> dict[str, Any]:
    """Return who owns an ancestor, and how it was made; nothing of one that cannot be seen any more."""
    if not image_id or not region:
        return {}
    try:
        ec2 = Service.of(aws, "ec2", region=region)
        what = f"describe {image_id} in {region}"
        answer = ec2.ask("describe_images", what, ImageIds=[image_id], IncludeDeprecated=True, IncludeDisabled=True)
    except AmigateError:
        return {}
    found = answer.get("Images")
    if not found:
        return {}
    described = {"OwnerId": found[0].get("OwnerId", "")}
    if found[0].get("OwnerId") == aws.account:  # of others' images nobody sees which instance they were made of
        described["IsCopy"] = not found[0].get("SourceInstanceId")
    return described
