"""RunInstances: everything that EC2 checks first, then a real machine for each instance."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from moto.core.responses import ActionResult
from moto.core.utils import utcnow

from amigate.errors import SandboxError
from amigate.sandbox.api import errors
from amigate.sandbox.api.base import CloudResponse
from amigate.sandbox.api.block_devices import BlockDevices
from amigate.sandbox.api.instance_attributes import new_options
from amigate.sandbox.api.launch_checks import check_fit
from amigate.sandbox.api.launch_network import Network, check_address
from amigate.sandbox.api.undo import all_or_nothing
from amigate.sandbox.api.volumes import LARGEST_GIB, attach
from amigate.sandbox.machines import disks
from amigate.sandbox.machines.spec import Disk, Spec

if TYPE_CHECKING:
    from moto.ec2.models.instances import Instance, MetadataOptions, Reservation

    from amigate.sandbox.api.image import Image
    from amigate.sandbox.api.mapping import Mapping


class Launching(CloudResponse):
    """Launch instances."""

    def run_instances(self) -> ActionResult:
        """Boot machines from an image's disks; the same ClientToken gives the same reservation."""
        if (made := self.made_before()) is not None:
            return ActionResult(made)
        image, mappings = self._checked()
        options = self._options(image)
        self.error_on_dryrun()
        self.params.pop("BlockDeviceMappings", None)
        with all_or_nothing(self.cloud, self.backend):
            reservation: Reservation = self.content(super().run_instances())
            for instance in reservation.instances:
                self._complete(instance, options)
                attach(self.backend, instance, mappings)
            self._boot(reservation, mappings)
        image.last_launched_time = utcnow()
        return self.remember(reservation)

    def _checked(self) -> tuple[Image, tuple[Mapping, ...]]:
        """Return the image and the volumes of each instance, once nothing speaks against the launch."""
        image = self.visible_image(self.required("ImageId"))
        if image.state != "available":
            raise errors.image_unavailable(image.id)
        check_fit(image, self._get_param("InstanceType", "m1.small"))
        key = self._get_param("KeyName")
        if key is not None and key not in self.backend.key_pairs:
            raise errors.key_not_found(key)
        for group in self._get_param("SecurityGroupIds", []):
            if self.backend.get_security_group_from_id(group) is None:
                raise errors.group_not_found(group)
        for group in self._get_param("SecurityGroups", []):
            if self.backend.get_security_group_by_name_or_id(group) is None:
                raise errors.group_not_found(group)
        if self._get_param("InstanceInitiatedShutdownBehavior") not in {None, "stop", "terminate"}:
            raise errors.bad_value("InstanceInitiatedShutdownBehavior is stop or terminate")
        self._check_counts()
        self._choose_subnet()
        self._check_network()
        return image, self._volumes(image)

    def _volumes(self, image: Image) -> tuple[Mapping, ...]:
        """Return the volumes of the image with the changes of the request, the root first."""
        asked = self._get_param("BlockDeviceMappings", [])
        for one in asked:
            volume = one.get("Ebs", {})
            if one.get("DeviceName") == image.root_device_name and ("NoDevice" in one or "SnapshotId" in volume):
                raise errors.bad_mapping("snapshotId cannot be modified on root device")
        devices = BlockDevices(region=self.here, backend=self.backend)
        found = [one for one in devices.laid_over(image.mappings, asked) if one.is_volume]
        for one in found:
            if one.size_gib > LARGEST_GIB:
                raise errors.unsupported(f"volumes end at {LARGEST_GIB} GiB")
            if one.snapshot_id is not None:
                self._check_readable(one.snapshot_id)
        if image.root_device_name not in {one.device for one in found}:
            raise errors.bad_mapping(f"The root device '{image.root_device_name}' must be a volume")
        return tuple(sorted(found, key=lambda one: one.device != image.root_device_name))

    def _check_readable(self, snapshot_id: str) -> None:
        """Refuse a snapshot without a disk, such as one of an image that was given as metadata only."""
        try:
            self.cloud.store.disk(snapshot_id)
        except KeyError as error:
            raise errors.unsupported(f"there is no disk behind {snapshot_id}") from error

    def _options(self, image: Image) -> MetadataOptions:
        """Return the metadata options, where an image with ImdsSupport asks for more than EC2's defaults."""
        asked = dict(self._get_param("MetadataOptions") or {})
        if image.imds_support == "v2.0":
            asked = {"HttpTokens": "required", "HttpPutResponseHopLimit": 2} | asked
        return new_options(asked)

    def _check_counts(self) -> None:
        """Launch as many as are wanted at most; there is room for all or none."""
        least, most = int(self._get_param("MinCount", 0)), int(self._get_param("MaxCount", 0))
        if not 1 <= least <= most:
            raise errors.bad_value(f"Value ({least}) for parameter minCount is invalid against maxCount ({most})")
        self.params["MinCount"] = most

    def _choose_subnet(self) -> None:
        """Choose the default subnet, where EC2 puts an instance that names none."""
        if not self._get_param("SubnetId") and not self._get_param("NetworkInterfaces"):
            zone = (self._get_param("Placement") or {}).get("AvailabilityZone") or f"{self.region}a"
            subnets = self.backend.get_default_subnets()
            if zone not in subnets:
                raise errors.bad_value(f"Invalid availability zone: [{zone}]")
            self.params["SubnetId"] = subnets[zone].id

    def _check_network(self) -> None:
        Network(
            backend=self.backend,
            subnet_id=self._get_param("SubnetId"),
            zone=(self._get_param("Placement") or {}).get("AvailabilityZone") or f"{self.region}a",
            address=self._get_param("PrivateIpAddress"),
            interfaces=self._get_param("NetworkInterfaces", []),
            count=int(self.params["MinCount"]),
        ).check()

    def _complete(self, instance: Instance, options: MetadataOptions) -> None:
        """Correct what moto makes up or forgets: the address, the default group, the options."""
        instance.nics[0].delete_on_termination = True
        instance.nics[0].public_ip = next(self.cloud.addresses)
        if not instance.security_groups:
            default = self.backend.get_default_security_group(instance.vpc_id)
            instance.security_groups = list(instance.nics[0].group_set) or ([default] if default else [])
        instance.metadata_options = options
        instance.disable_api_termination = self.is_true("DisableApiTermination")

    def _boot(self, reservation: Reservation, mappings: tuple[Mapping, ...]) -> None:
        """Power all machines on."""
        try:
            for instance in reservation.instances:
                self.cloud.launch(instance, self._spec(instance, reservation.id, mappings))
        except (OSError, SandboxError) as error:
            raise errors.no_capacity(error) from error

    def _disk(self, instance: Instance, mapping: Mapping) -> Disk:
        return Disk(
            volume_id=instance.block_device_mapping[mapping.device].volume_id,
            device=mapping.device,
            backing=self.cloud.store.disk(mapping.snapshot_id) if mapping.snapshot_id else None,
            size_bytes=mapping.size_gib * disks.GIB,
        )

    def _spec(self, instance: Instance, reservation_id: str, mappings: tuple[Mapping, ...]) -> Spec:
        nic, settings = instance.nics[0], self.cloud.settings
        key = self.backend.key_pairs[instance.key_name] if instance.key_name else None
        return Spec(
            instance_id=instance.id,
            reservation_id=reservation_id,
            launch_index=int(instance.ami_launch_index),
            image_id=instance.image_id,
            instance_type=instance.instance_type,
            account_id=self.current_account,
            zone=str(instance.availability_zone),
            region=self.region,
            private_ip=check_address(nic.subnet, instance.private_ip),
            public_ip=str(nic.public_ip),
            ssh_port=settings.ssh_port,
            mac=nic.mac_address,
            interface_id=nic.id,
            security_groups=tuple(str(group.name) for group in instance.security_groups),
            key_name=instance.key_name or "",
            public_key=key.public_key.strip() if key else "",
            user_data=_bytes(instance.user_data),
            memory_mib=max(settings.memory_mib, self.here.images[instance.image_id].memory_mib),
            tokens_required=instance.metadata_options.http_tokens == "required",
            metadata_enabled=instance.metadata_options.http_endpoint != "disabled",
            disks=tuple(self._disk(instance, mapping) for mapping in mappings),
        )


def _bytes(user_data: Any) -> bytes:
    """User data as the guest reads it; moto keeps it in base64."""
    return b"" if user_data is None else base64.b64decode(str(user_data))
