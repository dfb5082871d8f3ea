"""Which instance type boots an image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_ec2.literals import InstanceTypeType

BY_ARCHITECTURE_AND_ENA: dict[tuple[str, bool], InstanceTypeType] = {
    ("x86_64", True): "t3.micro",
    ("arm64", True): "t4g.micro",
    ("arm64", False): "t4g.micro",
}
WITHOUT_NITRO: InstanceTypeType = "t2.micro"
"""Xen: boots what has no ENA or NVMe driver, and 32 bits."""


def instance_type_for(image: Mapping[str, Any]) -> InstanceTypeType:
    """Return the smallest common type that can boot `image` (an Image of DescribeImages)."""
    key = (str(image.get("Architecture", "")), bool(image.get("EnaSupport")))
    return BY_ARCHITECTURE_AND_ENA.get(key, WITHOUT_NITRO)
