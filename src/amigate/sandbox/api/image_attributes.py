"""Attributes of images, and launch permissions above all."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from moto.core.responses import ActionResult, EmptyResult

from amigate.sandbox.api import errors, permissions
from amigate.sandbox.api.image import iso, marketplace
from amigate.sandbox.api.public_access import PublicAccess

if TYPE_CHECKING:
    from amigate.sandbox.api.image import Image

PUBLIC_FOR = timedelta(days=730)
"""How long after its creation a public image is not deprecated, at most."""
_LISTS = {
    "UserId": "UserIds",
    "Group": "UserGroups",
    "OrganizationArn": "OrganizationArns",
    "OrganizationalUnitArn": "OrganizationalUnitArns",
}


class ImageAttributes(PublicAccess):
    """Describe and change attributes."""

    def modify_image_attribute(self) -> ActionResult:
        """Change launch permissions, the description, or the support of IMDSv2, which cannot be taken back."""
        image = self.owned_image()
        change = permissions.change(
            self._get_param("LaunchPermission", {}),
            self._get_param("OperationType"),
            {kind: self._get_param(name, []) for kind, name in _LISTS.items()},
        )
        changes = self._plain_changes()
        if change.is_empty and not changes:
            raise errors.bad_combination("No attributes specified.")
        if not change.is_empty and image.state == "disabled":
            raise errors.image_unavailable(image.id)
        self.check_image_sharing(image, change)
        self.error_on_dryrun()
        image.launch_permissions = change.applied_to(image.launch_permissions)
        for name, value in changes.items():
            setattr(image, name, value)
        _limit_life(image)
        return EmptyResult()

    def _plain_changes(self) -> dict[str, str]:
        """Return attributes with one value, which come in two forms."""
        attribute, value = self._get_param("Attribute"), self._get_param("Value")
        if self._get_param("ProductCodes") or attribute == "productCodes":
            raise errors.unsupported_by_ec2("Product codes are set by the marketplace only.")
        if attribute not in {None, "launchPermission", "description", "imdsSupport"}:
            raise errors.bad_value(f"Value ({attribute}) for parameter attribute is invalid.")
        asked: dict[str, Any] = {
            "description": self._get_param("Description.Value"),
            "imds_support": self._get_param("ImdsSupport.Value"),
        }
        if attribute == "description":
            asked["description"] = value
        if attribute == "imdsSupport":
            asked["imds_support"] = value
        if asked["imds_support"] not in {None, "v2.0"}:
            raise errors.bad_value(f"Value ({asked['imds_support']}) for parameter imdsSupport is invalid.")
        return {name: given for name, given in asked.items() if given is not None}

    def describe_image_attribute(self) -> ActionResult:
        """Return an attribute of the caller's own image."""
        image = self.owned_image()
        attribute = self.required("Attribute")
        known = self._attributes(image)
        if attribute not in known:
            raise errors.bad_value(f"Value ({attribute}) for parameter attribute is invalid. Unknown attribute.")
        self.error_on_dryrun()
        return ActionResult({"ImageId": image.id, **known[attribute]})

    @staticmethod
    def _attributes(image: Image) -> dict[str, dict[str, Any]]:
        """Return all attributes; of those that an image has not, EC2 tells the name only."""

        def value(name: str, given: str | None) -> dict[str, Any]:
            return {name: {} if given is None else {"Value": given}}

        return {
            "blockDeviceMapping": {"BlockDeviceMappings": [mapping.described() for mapping in image.mappings]},
            "bootMode": value("BootMode", image.boot_mode),
            "deregistrationProtection": value("DeregistrationProtection", image.protection),
            "description": value("Description", image.description),
            "imdsSupport": value("ImdsSupport", image.imds_support),
            "kernel": value("KernelId", image.kernel_id),
            "lastLaunchedTime": value("LastLaunchedTime", iso(image.last_launched_time)),
            "launchPermission": {"LaunchPermissions": image.launch_permissions},
            "productCodes": {"ProductCodes": [marketplace(code) for code in image.product_codes]},
            "ramdisk": value("RamdiskId", image.ramdisk_id),
            "sriovNetSupport": value("SriovNetSupport", image.sriov_net_support),
            "tpmSupport": value("TpmSupport", image.tpm_support),
            "uefiData": value("UefiData", image.uefi_data),
        }

    def reset_image_attribute(self) -> Any:
        """Take all launch permissions back."""
        image = self.owned_image()
        attribute = self.required("Attribute")
        if attribute != "launchPermission":
            raise errors.bad_value(f"Value ({attribute}) for parameter attribute is invalid.")
        self.error_on_dryrun()
        image.launch_permissions.clear()
        return EmptyResult()


def _limit_life(image: Image) -> None:
    """Give a public image the end that AWS gives it, unless it ends earlier."""
    if image.is_public:
        end = image.creation_date + PUBLIC_FOR
        image.deprecation_time = min(image.deprecation_time or end, end)
