"""An image as EC2 describes it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from moto.core.utils import utcnow
from moto.ec2.models.core import TaggedEC2Resource
from moto.ec2.utils import random_ami_id

if TYPE_CHECKING:
    from datetime import datetime

    from moto.ec2.models import EC2Backend

    from amigate.sandbox.api.mapping import Mapping

TRAITS = (
    "architecture",
    "boot_mode",
    "ena_support",
    "imds_support",
    "kernel_id",
    "platform",
    "platform_details",
    "ramdisk_id",
    "sriov_net_support",
    "tpm_support",
    "uefi_data",
    "usage_operation",
    "virtualization_type",
    "root_device_name",
    "product_codes",
    "watermarks",
    "memory_mib",
)
"""What an image made from another has from it."""


@dataclass(kw_only=True, eq=False)
class Image(TaggedEC2Resource):
    """An AMI: names, permissions, and a mapping to the snapshots that hold its disks."""

    ec2_backend: EC2Backend
    """The model of its owner, which keeps its tags."""
    name: str
    mappings: tuple[Mapping, ...] = ()
    root_device_name: str | None = None
    root_device_type: str = "ebs"
    description: str | None = None
    id: str = field(default_factory=random_ami_id)
    state: str = "available"
    state_reason: dict[str, str] | None = None
    image_location: str | None = None
    owner_alias: str | None = None
    architecture: str = "x86_64"
    virtualization_type: str = "hvm"
    boot_mode: str | None = None
    ena_support: bool | None = None
    imds_support: str | None = None
    sriov_net_support: str | None = None
    tpm_support: str | None = None
    uefi_data: str | None = None
    kernel_id: str | None = None
    ramdisk_id: str | None = None
    platform: str | None = None
    platform_details: str = "Linux/UNIX"
    usage_operation: str = "RunInstances"
    product_codes: tuple[str, ...] = ()
    """Of the marketplace."""
    watermarks: tuple[dict[str, Any], ...] = ()
    """As DescribeImages shows them."""
    scan_results: dict[str, Any] | None = None
    """What Amazon Inspector found, in short, as DescribeImages shows it; nobody scans here."""
    findings: tuple[dict[str, Any], ...] = ()
    """The same one by one, as GetImageFindings lists them."""
    memory_mib: int = 0
    """What its instances need at least, beyond what the sandbox gives each; EC2 knows no such thing."""
    source_image_id: str | None = None
    source_image_region: str | None = None
    source_instance_id: str | None = None
    creation_date: datetime = field(default_factory=utcnow)
    deprecation_time: datetime | None = None
    last_launched_time: datetime | None = None
    is_protected: bool = False
    has_cooldown: bool = False
    protected_until: datetime | None = None
    """The end of the cooldown, once protection was turned off."""
    launch_permissions: list[dict[str, str]] = field(default_factory=list)
    """Who may launch it, as EC2 writes it: {"UserId": …}, {"Group": "all"}, {"OrganizationArn": …}, …"""

    @property
    def owner_id(self) -> str:
        """The account that it belongs to."""
        return str(self.ec2_backend.account_id)

    @property
    def is_public(self) -> bool:
        """Whether everybody may launch it."""
        return {"Group": "all"} in self.launch_permissions

    @property
    def is_deprecated(self) -> bool:
        """Whether its time is over."""
        return self.deprecation_time is not None and self.deprecation_time <= utcnow()

    @property
    def is_encrypted(self) -> bool:
        """Whether any of its volumes is."""
        return any(mapping.encrypted for mapping in self.mappings)

    @property
    def snapshot_ids(self) -> list[str]:
        """The snapshots that it is made of."""
        return [mapping.snapshot_id for mapping in self.mappings if mapping.snapshot_id]

    @property
    def root(self) -> Mapping | None:
        """The mapping that it boots from; None without EBS."""
        return next((mapping for mapping in self.mappings if mapping.device == self.root_device_name), None)

    @property
    def protection(self) -> str:
        """What DescribeImages calls its deregistration protection."""
        if not self.is_protected:
            return "disabled"
        return "enabled-with-cooldown" if self.has_cooldown else "enabled-without-cooldown"

    @property
    def traits(self) -> dict[str, Any]:
        """What an image made from this one has from it."""
        return {name: getattr(self, name) for name in TRAITS}

    def visible_to(self, account_id: str) -> bool:
        """Whether an account may see it; a disabled one only its owner. No account is in an organization here."""
        if self.owner_id == account_id:
            return True
        return self.state != "disabled" and (self.is_public or {"UserId": account_id} in self.launch_permissions)

    def get_filter_value(self, filter_name: str, method_name: str | None = None) -> Any:
        """Return what moto's own parts look for when they look for an image."""
        return self.id if filter_name == "image-id" else super().get_filter_value(filter_name, method_name)

    def described(self, account_id: str, tags: list[dict[str, str]]) -> dict[str, Any]:
        """Return it as DescribeImages tells an account that gave it these tags."""
        is_own = account_id == self.owner_id
        found = {
            "Architecture": self.architecture,
            "BlockDeviceMappings": [mapping.described() for mapping in self.mappings],
            "BootMode": self.boot_mode,
            "CreationDate": self.creation_date,  # moto writes it
            "DeprecationTime": iso(self.deprecation_time),
            "DeregistrationProtection": self.protection if is_own else None,
            "Description": self.description,
            "EnaSupport": self.ena_support,
            "Hypervisor": "xen",
            "ImageId": self.id,
            "ImageLocation": self.image_location or f"{self.owner_id}/{self.name}",
            "ImageOwnerAlias": self.owner_alias,
            "ImageType": "machine",
            "ImageWatermarks": list(self.watermarks) or None,
            "ImdsSupport": self.imds_support,
            "KernelId": self.kernel_id,
            "LastLaunchedTime": iso(self.last_launched_time) if is_own else None,
            "Name": self.name,
            "OwnerId": self.owner_id,
            "Platform": self.platform,
            "PlatformDetails": self.platform_details,
            "ProductCodes": [marketplace(code) for code in self.product_codes] or None,
            "Public": self.is_public,
            "RamdiskId": self.ramdisk_id,
            "RootDeviceName": self.root_device_name,
            "RootDeviceType": self.root_device_type,
            "ScanResults": self.scan_results,
            "SourceImageId": self.source_image_id,
            "SourceImageRegion": self.source_image_region,
            "SourceInstanceId": self.source_instance_id if is_own else None,
            "SriovNetSupport": self.sriov_net_support,
            "State": self.state,
            "StateReason": self.state_reason,
            "Tags": tags or None,
            "TpmSupport": self.tpm_support,
            "UsageOperation": self.usage_operation,
            "VirtualizationType": self.virtualization_type,
        }
        return {name: value for name, value in found.items() if value is not None}


def marketplace(code: str) -> dict[str, str]:
    """Return a product code as EC2 does."""
    return {"ProductCodeId": code, "ProductCodeType": "marketplace"}


def iso(time: datetime | None) -> str | None:
    """Return a time as EC2 writes it in images; strings there, not timestamps."""
    return None if time is None else f"{time:%Y-%m-%dT%H:%M:%S}.000Z"
