"""Addresses in the AWS console, by partition."""

from __future__ import annotations

_CONSOLES = {
    "aws": "https://{region}.console.aws.amazon.com",
    "aws-cn": "https://{region}.console.amazonaws.cn",
    "aws-us-gov": "https://{region}.console.amazonaws-us-gov.com",
}
"""https://docs.aws.amazon.com/general/latest/gr/aws-arns-and-namespaces.html."""


def launch_link(partition: str, region: str, ami: str) -> str:
    """Return the address at which a receiver launches the image; empty where the partition's console is unknown.

    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/sharingamis-explicit.html; the guide's older form,
    `console.aws.amazon.com/ec2/v2/home?region=…#LaunchInstanceWizard:ami=…`, leads to the same page."""
    return _page(partition, region, f"LaunchInstances:ami={ami}")


def details_link(partition: str, region: str, ami: str) -> str:
    """Return the address of the image's own page; empty where the partition's console is unknown."""
    return _page(partition, region, f"ImageDetails:imageId={ami}")


def _page(partition: str, region: str, page: str) -> str:
    host = _CONSOLES.get(partition, "").format(region=region)
    return f"{host}/ec2/home?region={region}#{page}" if host else ""
