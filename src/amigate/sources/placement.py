"""The places at which a launch is tried: instance types times subnets, the best first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from amigate.errors import AwsError, LaunchError
from amigate.sources.aws_errors import aws_errors
from amigate.sources.instance_types import instance_types

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from amigate.sources.aws import Aws
    from amigate.sources.network import Network, Subnet

MOST = 24
"""Each costs a second when there is no capacity, and RunInstances is throttled."""


@dataclass(frozen=True, kw_only=True)
class Placement:
    """A kind of machine in a zone."""

    instance_type: str
    subnet: Subnet

    def __str__(self) -> str:
        return f"{self.instance_type} in {self.subnet.zone}"


def placements(aws: Aws, image: Mapping[str, Any], network: Network, wanted: str | None) -> tuple[Placement, ...]:
    """Return where to try `image`, at most `MOST`; a type that is `wanted` is never replaced by another.

    Raises LaunchError when no type boots the image."""
    types = (wanted,) if wanted else instance_types(image)
    if not types:
        raise LaunchError(
            f"no instance type is known that boots {image['ImageId']}: {_needs(image)}",
            hint="name one with --instance-type, if there is one; macOS needs a dedicated host, which is not supported",
        )
    every = [Placement(instance_type=kind, subnet=subnet) for kind in types for subnet in network.subnets]
    offered = _offered(aws, types)
    usable = [each for each in every if (each.instance_type, each.subnet.zone) in offered]
    return tuple((usable or every)[:MOST])


def _offered(aws: Aws, types: Sequence[str]) -> set[tuple[str, str]]:
    """Return which of `types` there is in which zone; empty where EC2 does not say, so that all are tried."""
    try:
        with aws_errors("ask which zones offer the instance types"):
            answer = aws.ec2.describe_instance_type_offerings(
                LocationType="availability-zone", Filters=[{"Name": "instance-type", "Values": list(types)}]
            )
    except AwsError:
        return set()
    return {(str(each.get("InstanceType")), each.get("Location", "")) for each in answer["InstanceTypeOfferings"]}


def _needs(image: Mapping[str, Any]) -> str:
    """Say what decides about the type."""
    names = ("Architecture", "VirtualizationType", "RootDeviceType", "BootMode", "TpmSupport")
    return ", ".join(str(image[name]) for name in names if image.get(name))
