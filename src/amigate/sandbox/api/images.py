"""Actions on images: a disk file behind each."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from moto.core.responses import ActionResult

from amigate.errors import SandboxError
from amigate.sandbox.api import errors, model
from amigate.sandbox.api.base import CloudResponse

if TYPE_CHECKING:
    from moto.ec2.models.instances import Instance

    from amigate.sandbox.cloud import Cloud
    from amigate.sandbox.machines.machine import Machine

_log = logging.getLogger(__name__)


class Images(CloudResponse):
    """Describe, create, share and deregister images."""

    def describe_images(self) -> ActionResult:
        """Images that the caller may see; a named one that it may not see does not exist."""
        named = self._get_param("ImageIds", [])
        for image_id in named:
            self.visible_image(image_id)
        found = [image for image in self.content(super().describe_images())["Images"] if self._shown(image)]
        return ActionResult({"Images": found})

    def _shown(self, image: model.Image) -> bool:
        hidden = image.state == "disabled" and not self.is_true("IncludeDisabled")
        return image.visible_to(self.current_account) and not hidden

    def create_image(self) -> ActionResult:
        """Copy the disk of an instance that is off; one that runs is powered off and on again for it."""
        name = self._get_param("Name", "")
        instance = self.backend.get_multi_instances_by_id([self._get_param("InstanceId")])[0]
        self._check_creation(name, instance)
        self.error_on_dryrun()
        image = self._new_image(name, instance)
        for spec in self._get_param("TagSpecifications", []):
            target = image if spec["ResourceType"] == "image" else image.ebs_snapshot
            target.add_tags({tag["Key"]: tag["Value"] for tag in spec.get("Tags", [])})
        copy = _Copy(self.cloud, self.cloud.machine(instance.id), image)
        if instance.state == "stopped":
            copy(whole=True)
        else:
            self.cloud.reboot(instance.id, when_off=copy)
        return ActionResult({"ImageId": image.id})

    def _check_creation(self, name: str, instance: Instance) -> None:
        if not 3 <= len(name) <= 128:  # noqa: PLR2004 - EC2's own limits
            raise errors.bad_value("AMI names must be between 3 and 128 characters long")
        for image in self.backend.amis.values():
            if image.name == name and image.owner_id == self.current_account:
                raise errors.image_name_taken(name, image.id)
        if instance.state not in {"running", "stopped"}:
            raise errors.wrong_state(instance.id, instance.state, "running' or 'stopped")
        if instance.state == "running" and self.is_true("NoReboot"):
            raise errors.unsupported("an image of a running disk would be torn; stop the instance, or allow a reboot")
        if self._get_param("BlockDeviceMappings"):
            raise errors.unsupported("the image has the root volume as it is")

    def _new_image(self, name: str, instance: Instance) -> model.Image:
        source = self.backend.amis.get(instance.image_id)
        image = model.Image(
            self.backend,
            name=name,
            owner_id=self.current_account,
            size_gib=instance.block_device_mapping[instance.root_device_name].size,
            description=self._get_param("Description", ""),
            state="pending",
        )
        image.instance_id = instance.id
        image.imds_support = getattr(source, "imds_support", None)
        image.ebs_snapshot.status = "pending"
        image.ebs_snapshot.description = f"Created by CreateImage({instance.id}) for {image.id}"
        return image

    def deregister_image(self) -> ActionResult:
        """Forget an image; its snapshot stays, unless asked otherwise."""
        image = self.owned_image(self._get_param("ImageId", ""))
        self.error_on_dryrun()
        del self.backend.amis[image.id]
        if self.is_true("DeleteAssociatedSnapshots"):
            del self.backend.snapshots[image.ebs_snapshot.id]
            self.cloud.store.forget(image.ebs_snapshot.id)
        return ActionResult({"Return": True})

    def modify_image_attribute(self) -> ActionResult:
        """Launch permissions and description of the caller's own image."""
        image = self.owned_image(self._get_param("ImageId", ""))
        if description := self._get_param("Description"):
            self.error_on_dryrun()
            image.description = description.get("Value", "")
        return super().modify_image_attribute()

    def describe_image_attribute(self) -> ActionResult:
        """Return an attribute of the caller's own image."""
        self.owned_image(self._get_param("ImageId", ""))
        return super().describe_image_attribute()

    def reset_image_attribute(self) -> Any:
        """Take all launch permissions back."""
        image = self.owned_image(self._get_param("ImageId", ""))
        self.error_on_dryrun()
        image.launch_permissions.clear()
        return ActionResult({"Return": True})

    def register_image(self) -> ActionResult:
        """Refused: moto would invent a disk."""
        raise errors.unsupported("RegisterImage is not there yet; images come from `Sandbox.add_image` or CreateImage")

    def copy_image(self) -> ActionResult:
        """Refused: moto would invent a disk."""
        raise errors.unsupported("CopyImage is not there yet")


class _Copy:
    """Copies an instance's disk into an image's snapshot once nobody writes to it."""

    def __init__(self, cloud: Cloud, machine: Machine, image: model.Image) -> None:
        self._cloud = cloud
        self._machine = machine
        self._image = image

    def __call__(self, *, whole: bool) -> None:
        """Do it if the guest had written everything, and let the image say how it went."""
        image, snapshot = self._image, self._image.ebs_snapshot
        try:
            if whole:
                self._cloud.store.copy(snapshot.id, self._machine.disk)
        except (OSError, SandboxError):
            _log.exception("no image could be made for %s", image.id)
            whole = False
        image.state, snapshot.status = ("available", "completed") if whole else ("failed", "error")
