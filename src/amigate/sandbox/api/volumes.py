"""Volumes: those of instances are files of their machines, the others are in the store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from moto.core.responses import ActionResult, EmptyResult

from amigate.sandbox.api import encryption, errors
from amigate.sandbox.api.base import CloudResponse
from amigate.sandbox.api.block_devices import BlockDevices
from amigate.sandbox.machines import disks

if TYPE_CHECKING:
    from moto.ec2.models import EC2Backend
    from moto.ec2.models.elastic_block_store import Volume
    from moto.ec2.models.instances import Instance

    from amigate.sandbox.api.mapping import Mapping

LARGEST_GIB = 64
"""Of a volume in the sandbox."""


def new_volume(backend: EC2Backend, mapping: Mapping, zone: str) -> Volume:
    """Return a new volume in an account, without its disk; encrypted by default if the account says so."""
    encrypted = mapping.encrypted or backend.ebs_encryption_by_default
    volume = backend.create_volume(
        size=mapping.size_gib, zone_name=zone, volume_type=mapping.volume_type, iops=mapping.iops
    )
    volume.snapshot_id = mapping.snapshot_id or ""
    volume.throughput = mapping.throughput or (125 if mapping.volume_type == "gp3" else None)
    volume.encrypted = encrypted
    volume.kms_key_id = (mapping.kms_key_id or encryption.default_key(backend)) if encrypted else None
    return volume


def attach(backend: EC2Backend, instance: Instance, mappings: tuple[Mapping, ...]) -> None:
    """Give a new instance its volumes, in place of the one that moto makes up."""
    made_up = instance.block_device_mapping.pop("/dev/sda1")
    del backend.volumes[made_up.volume_id]
    tags = backend.tags.pop(made_up.volume_id, {})
    for mapping in mappings:
        volume = new_volume(backend, mapping, str(instance.availability_zone))
        volume.add_tags(tags)
        backend.attach_volume(volume.id, instance.id, mapping.device, mapping.delete_on_termination)


class Volumes(CloudResponse):
    """Make and delete volumes; attaching one to a machine later is not there."""

    def create_volume(self) -> ActionResult:
        """Make a volume of a snapshot, or an empty one."""
        if (present := self.made_before()) is not None:
            return ActionResult(present)
        zone = self.required("AvailabilityZone")
        if zone not in {one.name for one in self.backend.describe_availability_zones()}:
            raise errors.bad_value(f"Value ({zone}) for parameter availabilityZone is invalid. Subnet not found")
        names = ("SnapshotId", "VolumeType", "Iops", "Throughput", "Encrypted", "KmsKeyId")
        volume = {name: self._get_param(name) for name in names} | {"VolumeSize": self._get_param("Size")}
        wanted = {name: value for name, value in volume.items() if value is not None}
        devices = BlockDevices(region=self.here, backend=self.backend)
        (mapping,) = devices.laid_over((), [{"DeviceName": "/dev/sdf", "Ebs": wanted}])
        if mapping.size_gib > LARGEST_GIB:
            raise errors.unsupported(f"volumes end at {LARGEST_GIB} GiB")
        tags = self.new_tags("volume")["volume"]
        self.error_on_dryrun()
        made = new_volume(self.backend, mapping, zone)
        made.add_tags(tags)
        try:
            self._make_disk(made.id, mapping)
        except BaseException:  # nobody shall see a volume without a disk
            del self.backend.volumes[made.id]
            self.backend.tags.pop(made.id, None)
            raise
        return self.remember(made)

    def _make_disk(self, volume_id: str, mapping: Mapping) -> None:
        size_bytes = mapping.size_gib * disks.GIB
        if mapping.snapshot_id is None:
            self.cloud.store.make(volume_id, size_bytes)
        else:
            source = disks.Layers(file=self.cloud.store.disk(mapping.snapshot_id))
            self.cloud.store.copy(volume_id, source, size_bytes)

    def delete_volume(self) -> ActionResult:
        """Delete a volume that no instance has, and its disk."""
        volume = self.owned_volume()
        if volume.attachment is not None:
            raise errors.volume_in_use(volume.id, volume.attachment.instance.id)
        self.error_on_dryrun()
        del self.backend.volumes[volume.id]
        self.cloud.store.forget(volume.id)
        return EmptyResult()

    def owned_volume(self) -> Volume:
        """Return the volume that the request is about."""
        volume_id = self.required("VolumeId")
        errors.check_id(volume_id, "vol", errors.volume_malformed)
        if volume_id not in self.backend.volumes:
            raise errors.volume_not_found(volume_id)
        return self.backend.volumes[volume_id]

    def describe_volumes(self) -> ActionResult:
        """Refuse ids that are not there, as EC2 words it, then let moto answer."""
        self.error_on_dryrun()
        for volume_id in self._get_param("VolumeIds", []):
            errors.check_id(volume_id, "vol", errors.volume_malformed)
            if volume_id not in self.backend.volumes:
                raise errors.volume_not_found(volume_id)
        result: ActionResult = super().describe_volumes()
        for volume in self.content(result)["Volumes"]:
            for attachment in volume.attachments:
                attached = attachment.instance.block_device_mapping[attachment.device]
                attachment.delete_on_termination = attached.delete_on_termination
        return result

    def attach_volume(self) -> ActionResult:
        """Refused: a machine has the volumes that it was launched with."""
        self.owned_volume()
        raise errors.unsupported("an instance has the volumes that it was launched with")

    def detach_volume(self) -> ActionResult:
        """Refused for the same reason."""
        return self.attach_volume()

    def modify_volume(self) -> ActionResult:
        """Refused: the disk would stay as it is."""
        self.owned_volume()
        raise errors.unsupported("a volume stays as it was made")
