"""Filters of the Describe calls: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Filter.html"""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any

from amigate.sandbox.api import errors

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

IMAGE_FILTERS = {
    "architecture": "Architecture",
    "block-device-mapping.delete-on-termination": "BlockDeviceMappings.Ebs.DeleteOnTermination",
    "block-device-mapping.device-name": "BlockDeviceMappings.DeviceName",
    "block-device-mapping.encrypted": "BlockDeviceMappings.Ebs.Encrypted",
    "block-device-mapping.snapshot-id": "BlockDeviceMappings.Ebs.SnapshotId",
    "block-device-mapping.volume-size": "BlockDeviceMappings.Ebs.VolumeSize",
    "block-device-mapping.volume-type": "BlockDeviceMappings.Ebs.VolumeType",
    "boot-mode": "BootMode",
    "creation-date": "CreationDate",
    "description": "Description",
    "ena-support": "EnaSupport",
    "hypervisor": "Hypervisor",
    "image-allowed": "ImageAllowed",
    "image-id": "ImageId",
    "image-type": "ImageType",
    "imds-support": "ImdsSupport",
    "is-public": "Public",
    "kernel-id": "KernelId",
    "manifest-location": "ImageLocation",
    "name": "Name",
    "owner-alias": "ImageOwnerAlias",
    "owner-id": "OwnerId",
    "platform": "Platform",
    "product-code": "ProductCodes.ProductCodeId",
    "product-code.type": "ProductCodes.ProductCodeType",
    "ramdisk-id": "RamdiskId",
    "root-device-name": "RootDeviceName",
    "root-device-type": "RootDeviceType",
    "source-image-id": "SourceImageId",
    "source-image-region": "SourceImageRegion",
    "source-instance-id": "SourceInstanceId",
    "sriov-net-support": "SriovNetSupport",
    "state": "State",
    "state-reason-code": "StateReason.Code",
    "state-reason-message": "StateReason.Message",
    "tpm-support": "TpmSupport",
    "usage-operation": "UsageOperation",
    "virtualization-type": "VirtualizationType",
}
SNAPSHOT_FILTERS = {
    "description": "Description",
    "encrypted": "Encrypted",
    "kms-key-id": "KmsKeyId",
    "owner-alias": "OwnerAlias",
    "owner-id": "OwnerId",
    "progress": "Progress",
    "snapshot-id": "SnapshotId",
    "start-time": "StartTime",
    "status": "State",
    "storage-tier": "StorageTier",
    "volume-id": "VolumeId",
    "volume-size": "VolumeSize",
}


def matching(
    described: Iterable[dict[str, Any]], filters: Iterable[dict[str, Any]], known: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Return what meets all filters; each is met by any of its values, in which * and ? stand for others."""
    wanted = [
        (_path(one.get("Name", ""), known), [_pattern(value) for value in one.get("Values", [])]) for one in filters
    ]
    return [one for one in described if all(_meets(one, path, patterns) for path, patterns in wanted)]


def _path(name: str, known: Mapping[str, str]) -> str:
    """Return where a filter looks."""
    if name in known:
        return known[name]
    if name == "tag-key" or name.startswith("tag:"):
        return name
    raise errors.bad_value(f"The filter '{name}' is invalid")


def _pattern(value: str) -> re.Pattern[str]:
    """Return a filter's value as a regular expression; a backslash takes the meaning from what follows."""
    parts = re.findall(r"\\.|.", value, flags=re.DOTALL)
    return re.compile("".join({"*": ".*", "?": "."}.get(part) or re.escape(part[-1]) for part in parts), re.DOTALL)


def _meets(one: dict[str, Any], path: str, patterns: list[re.Pattern[str]]) -> bool:
    return any(pattern.fullmatch(text) for text in _texts(one, path) for pattern in patterns)


def _texts(one: dict[str, Any], path: str) -> Iterator[str]:
    tags = {tag["Key"]: tag["Value"] for tag in one.get("Tags", [])}
    if path == "tag-key":
        yield from tags
    elif path.startswith("tag:"):
        yield from (value for key, value in tags.items() if key == path.removeprefix("tag:"))
    else:
        yield from (_text(value) for value in _values(one, path.split(".")))


def _values(node: Any, names: list[str]) -> Iterator[Any]:
    if isinstance(node, list):
        for child in node:
            yield from _values(child, names)
    elif not names:
        yield node
    elif isinstance(node, dict) and names[0] in node:
        yield from _values(node[names[0]], names[1:])


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%dT%H:%M:%S}.000Z"
    return str(value)
