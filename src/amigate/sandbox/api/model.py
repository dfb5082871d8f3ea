"""Images as EC2 describes them, on top of moto's model."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from moto.ec2.models.amis import Ami
from moto.ec2.utils import random_ami_id

from amigate.sandbox.api import errors
from amigate.sandbox.machines.spec import DEVICE

if TYPE_CHECKING:
    from moto.ec2.models import EC2Backend

_ID = re.compile(r"ami-([0-9a-f]{8}|[0-9a-f]{17})")


class Image(Ami):
    """An AMI of one EBS volume, with a disk file behind its snapshot."""

    def __init__(
        self, backend: EC2Backend, *, name: str, owner_id: str, size_gib: int, description: str = "", **more: Any
    ) -> None:
        super().__init__(
            backend,
            random_ami_id(),
            name=name,
            owner_id=owner_id,
            description=description,
            image_location=f"{owner_id}/{name}",
            architecture="x86_64",
            virtualization_type="hvm",
            hypervisor="xen",
            root_device_type="ebs",
            root_device_name=DEVICE,
            boot_mode="legacy-bios",
            region_name=f"{backend.region_name}a",
            **more,
        )
        self.ena_support = True
        self.imds_support: str | None = None
        self.platform_details = "Linux/UNIX"
        self.usage_operation = "RunInstances"
        self.size_gib = size_gib
        self.ebs_snapshot.volume.size = size_gib
        backend.amis[self.id] = self

    @property
    def public(self) -> bool:
        """Whether everybody may launch it."""
        return self.is_public

    @property
    def block_device_mappings(self) -> list[dict[str, Any]]:
        """The root volume."""
        volume = {
            "DeleteOnTermination": True,
            "Encrypted": False,
            "SnapshotId": self.ebs_snapshot.id,
            "VolumeSize": self.size_gib,
            "VolumeType": "gp3",
        }
        return [{"DeviceName": self.root_device_name, "Ebs": volume}]

    def visible_to(self, account_id: str) -> bool:
        """Whether an account may see and launch it."""
        return self.owner_id == account_id or self.is_public or {"UserId": account_id} in self.launch_permissions


def visible(backend: EC2Backend, image_id: str, account_id: str) -> Image:
    """Return the image with that id; an error as EC2 gives it when there is none for this account."""
    if not _ID.fullmatch(image_id):
        raise errors.image_malformed(image_id)
    image = backend.amis.get(image_id)
    if not isinstance(image, Image) or not image.visible_to(account_id):
        raise errors.image_not_found(image_id)
    return image


def owned(backend: EC2Backend, image_id: str, account_id: str) -> Image:
    """Return the image with that id, if it is the account's own."""
    image = visible(backend, image_id, account_id)
    if image.owner_id != account_id:
        raise errors.not_owner(image_id)
    return image
