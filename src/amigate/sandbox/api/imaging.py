"""CreateImage: the disks of an instance become an image."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from moto.core.responses import ActionResult

from amigate.errors import SandboxError
from amigate.sandbox.api import errors
from amigate.sandbox.api.block_devices import BlockDevices, check_source
from amigate.sandbox.api.image import Image
from amigate.sandbox.api.mapping import Mapping
from amigate.sandbox.api.naming import Naming
from amigate.sandbox.api.snapshot import Snapshot

if TYPE_CHECKING:
    from moto.ec2.models.instances import Instance

    from amigate.sandbox.cloud import Cloud

_log = logging.getLogger(__name__)


class Imaging(Naming):
    """Make images of instances."""

    def create_image(self) -> ActionResult:
        """Copy the disks of an instance that is off.

        One that runs is powered off and on again for it, or held still for a moment with NoReboot."""
        instance = self.instance(self.required("InstanceId"))
        name = self.new_name()
        if instance.state not in {"running", "stopped"}:
            raise errors.wrong_state(instance.id, instance.state, "running' or 'stopped")
        volumes = self._attached(instance)
        mappings = self._pictured(volumes)
        tags = self.new_tags("image", "snapshot")
        self.error_on_dryrun()
        image = self._new_image(name, instance)
        picture = self._picture(image, instance, mappings)
        image.add_tags(tags["image"])
        for snapshot in picture.snapshots.values():
            snapshot.add_tags(tags["snapshot"])
        if instance.state == "stopped" or self.is_true("NoReboot"):
            picture(whole=True)
        else:
            self.cloud.reboot(instance.id, when_off=picture)
        return ActionResult({"ImageId": image.id})

    def _attached(self, instance: Instance) -> tuple[Mapping, ...]:
        """Return the volumes of an instance as mappings, without snapshots yet."""
        found = []
        for device, attached in instance.block_device_mapping.items():
            volume = self.backend.volumes[attached.volume_id]
            found.append(
                Mapping(
                    device=device,
                    size_gib=volume.size,
                    volume_type=volume.volume_type,
                    delete_on_termination=attached.delete_on_termination,
                    encrypted=volume.encrypted,
                    kms_key_id=volume.kms_key_id,
                    iops=volume.iops,
                    throughput=volume.throughput,
                )
            )
        return tuple(found)

    def _pictured(self, volumes: tuple[Mapping, ...]) -> tuple[Mapping, ...]:
        asked = self._get_param("BlockDeviceMappings", [])
        present = {mapping.device for mapping in volumes}
        for one in asked:
            volume = one.get("Ebs", {})
            if one.get("DeviceName") in present and ("SnapshotId" in volume or "Encrypted" in volume):
                message = "snapshotId and encrypted cannot be modified on devices that the instance has"
                raise errors.bad_mapping(message)
            if "SnapshotId" in volume:
                check_source(self.here.visible_snapshot(volume["SnapshotId"], self.current_account), volume)
        devices = BlockDevices(region=self.here, backend=self.backend)
        return tuple(one for one in devices.laid_over(volumes, asked) if not one.is_left_out)

    def _new_image(self, name: str, instance: Instance) -> Image:
        image = Image(
            ec2_backend=self.backend,
            name=name,
            description=self._get_param("Description"),
            state="pending",
            source_instance_id=instance.id,
            source_image_id=instance.image_id,
            source_image_region=self.region,
            **self.cloud.traits(instance.id),
        )
        image.root_device_name = instance.root_device_name
        image.boot_mode = self._get_param("BootModeOverride") or image.boot_mode
        self.here.images[image.id] = image
        return image

    def _picture(self, image: Image, instance: Instance, mappings: tuple[Mapping, ...]) -> _Picture:
        """Give the image a pending snapshot for each volume that the instance has."""
        kept, snapshots = [], {}
        for mapping in mappings:
            attached = instance.block_device_mapping.get(mapping.device)
            if attached is None or mapping.virtual_name is not None:
                kept.append(mapping)
                continue
            snapshot = Snapshot(
                ec2_backend=self.backend,
                volume_size=attached.size,
                description=f"Created by CreateImage({instance.id}) for {image.id}",
                volume_id=attached.volume_id,
                encrypted=mapping.encrypted,
                kms_key_id=mapping.kms_key_id,
                status="pending",
            )
            snapshots[attached.volume_id] = self.here.snapshots[snapshot.id] = snapshot
            kept.append(replace(mapping, snapshot_id=snapshot.id))
        image.mappings = tuple(kept)
        return _Picture(cloud=self.cloud, instance_id=instance.id, image=image, snapshots=snapshots)


@dataclass(frozen=True, kw_only=True)
class _Picture:
    """Copies an instance's disks into an image's snapshots once nobody writes to them."""

    cloud: Cloud
    instance_id: str
    image: Image
    snapshots: dict[str, Snapshot]
    """For each volume."""

    def __call__(self, *, whole: bool) -> None:
        """Do it if the guest had written everything, and let the image say how it went."""
        try:
            if whole:
                with self.cloud.still_disks(self.instance_id, list(self.snapshots)) as found:
                    for volume_id, snapshot in self.snapshots.items():
                        self.cloud.store.copy(snapshot.id, found[volume_id])
        except (OSError, SandboxError):
            _log.exception("no image could be made for %s", self.image.id)
            whole = False
        self.image.state = "available" if whole else "failed"
        if not whole:
            self.image.state_reason = _FAILED
        for snapshot in self.snapshots.values():
            snapshot.status = "completed" if whole else "error"


_FAILED: dict[str, Any] = {"Code": "Client.InstanceInitiatedShutdown", "Message": "SANDBOX: the disks were not whole"}
