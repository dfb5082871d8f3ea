"""The tags on everything that a run makes; `amigate reap` and IAM policies go by them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_ec2.literals import ResourceTypeType
    from mypy_boto3_ec2.type_defs import TagSpecificationTypeDef

RUN = "amigate:run"
"""Id of the run that made it."""
EXPIRES = "amigate:expires"
"""RFC 3339; from then on anybody's `amigate reap` removes it."""
MANAGED = "amigate:managed"
"""Always `true`: what the conditions of an IAM policy can name."""


def specifications(name: str, run_id: str, expires: str, *kinds: ResourceTypeType) -> list[TagSpecificationTypeDef]:
    """Return the tags of one thing, for the call that makes it: nothing ever exists without them."""
    tags = {"Name": name, MANAGED: "true", RUN: run_id, EXPIRES: expires}
    return [
        {"ResourceType": kind, "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]} for kind in kinds
    ]
