"""RunInstances: everything that EC2 checks first, then a real machine for each instance."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

from moto.core.responses import ActionResult
from moto.ec2.exceptions import EC2ClientError

from amigate.errors import SandboxError
from amigate.sandbox.api import errors
from amigate.sandbox.api.base import CloudResponse
from amigate.sandbox.machines import disks
from amigate.sandbox.machines.spec import DEVICE, Spec

if TYPE_CHECKING:
    from moto.ec2.models.instances import Instance, Reservation

    from amigate.sandbox.api.model import Image

_SIZE_LIMIT_GIB = 64


class Launching(CloudResponse):
    """Launch instances."""

    def run_instances(self) -> ActionResult:
        """Boot machines from an image's disk; the same ClientToken gives the same reservation."""
        token, request = self._get_param("ClientToken"), self._fingerprint()
        scope = (self.current_account, self.region, "RunInstances", token)
        if scope in self.cloud.tokens:
            before, reservation = self.cloud.tokens[scope]
            if before != request:
                message = "Arguments on this idempotent request are inconsistent with arguments used in previous"
                raise EC2ClientError("IdempotentParameterMismatch", f"{message} request(s).")
            return ActionResult(reservation)
        image, size = self._checked()
        result = super().run_instances()
        reservation = self.content(result)
        for instance in reservation.instances:
            self._complete(instance, image, size)
        self._boot(reservation, image, size)
        if token:
            self.cloud.tokens[scope] = (request, reservation)
        return result

    def _fingerprint(self) -> str:
        """Return the request without its signature."""
        return json.dumps(dict(self._get_params()), sort_keys=True, default=str)

    def _checked(self) -> tuple[Image, int]:
        """Return the image and the size of its volume in GiB, once nothing speaks against the launch."""
        image = self.visible_image(self._get_param("ImageId", ""))
        if image.state != "available":
            raise errors.image_unavailable(image.id)
        key = self._get_param("KeyName")
        if key is not None and key not in self.backend.key_pairs:
            raise errors.key_not_found(key)
        for group in self._get_param("SecurityGroupIds", []):
            if self.backend.get_security_group_from_id(group) is None:
                raise errors.group_not_found(group)
        self._check_counts()
        self._choose_subnet()
        return image, self._volume_size(image)

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
            self.params["SubnetId"] = self.backend.get_default_subnets()[zone].id

    def _volume_size(self, image: Image) -> int:
        """Return the root volume's size in GiB, which a launch may enlarge."""
        size = image.size_gib
        for mapping in self._get_param("BlockDeviceMappings", []):
            volume = mapping.get("Ebs", {})
            if mapping.get("DeviceName") != image.root_device_name or volume.get("Encrypted"):
                raise errors.unsupported("an instance has its unencrypted root volume and no other")
            size = int(volume.get("VolumeSize") or size)
        if not image.size_gib <= size <= _SIZE_LIMIT_GIB:
            raise errors.bad_value(f"Volume of size {size}GB: expect {image.size_gib} to {_SIZE_LIMIT_GIB}GB")
        self.params.pop("BlockDeviceMappings", None)
        return size

    def _complete(self, instance: Instance, image: Image, size_gib: int) -> None:
        """Correct what moto makes up: the root volume, the address, the default group, the tokens."""
        attached = instance.block_device_mapping.pop("/dev/sda1")
        instance.block_device_mapping[DEVICE] = attached
        attached.size = size_gib
        volume = self.backend.volumes[attached.volume_id]
        volume.size, volume.volume_type, volume.snapshot_id = size_gib, "gp3", image.ebs_snapshot.id
        if volume.attachment is not None:
            volume.attachment.device = DEVICE
        instance.nics[0].delete_on_termination = True
        instance.nics[0].public_ip = next(self.cloud.addresses)
        if not instance.security_groups:
            default = self.backend.get_default_security_group(instance.vpc_id)
            instance.security_groups = list(instance.nics[0].group_set) or ([default] if default else [])
        if "HttpTokens" not in (self._get_param("MetadataOptions") or {}) and image.imds_support == "v2.0":
            instance.metadata_options.http_tokens = "required"

    def _boot(self, reservation: Reservation, image: Image, size_gib: int) -> None:
        """Power all machines on, or none."""
        disk = self.cloud.store.disk(image.ebs_snapshot.id)
        try:
            for instance in reservation.instances:
                spec = self._spec(instance, reservation.id, size_bytes=size_gib * disks.GIB, backing=disk)
                self.cloud.launch(instance, spec)
        except (OSError, SandboxError) as error:
            for instance in reservation.instances:
                self.cloud.terminate(instance.id)
            del self.backend.reservations[reservation.id]
            raise EC2ClientError("InsufficientInstanceCapacity", f"SANDBOX: {error}") from error

    def _spec(self, instance: Instance, reservation_id: str, **disk: Any) -> Spec:
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
            private_ip=str(instance.private_ip),
            public_ip=str(nic.public_ip),
            ssh_port=settings.ssh_port,
            mac=nic.mac_address,
            interface_id=nic.id,
            security_groups=tuple(str(group.name) for group in instance.security_groups),
            key_name=instance.key_name or "",
            public_key=key.public_key.strip() if key else "",
            user_data=_bytes(instance.user_data),
            memory_mib=settings.memory_mib,
            tokens_required=instance.metadata_options.http_tokens == "required",
            metadata_enabled=instance.metadata_options.http_endpoint != "disabled",
            **disk,
        )


def _bytes(user_data: Any) -> bytes:
    """User data as the guest reads it; moto keeps it in base64."""
    return b"" if user_data is None else base64.b64decode(str(user_data))
