"""One entry of a block device mapping, of an image or of a launch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

DEFAULT_VOLUME_TYPE = "gp2"
"""What EC2 takes when nobody says."""


@dataclass(frozen=True, kw_only=True)
class Mapping:
    """A device name, and the EBS volume or the instance store behind it."""

    device: str
    snapshot_id: str | None = None
    """None for an empty volume."""
    size_gib: int = 0
    """0 when there is no volume."""
    volume_type: str = DEFAULT_VOLUME_TYPE
    delete_on_termination: bool = True
    encrypted: bool = False
    kms_key_id: str | None = None
    """An image does not show it; its snapshot does."""
    iops: int | None = None
    throughput: int | None = None
    virtual_name: str | None = None
    """`ephemeral0` and so on: a volume of the host, which the sandbox has not."""
    is_left_out: bool = False
    """NoDevice: nothing is there, whatever the parent image says."""

    @property
    def is_volume(self) -> bool:
        """Whether a launch makes an EBS volume of it."""
        return self.virtual_name is None and not self.is_left_out

    def described(self) -> dict[str, Any]:
        """Return it as DescribeImages does."""
        if self.is_left_out:
            return {"DeviceName": self.device, "NoDevice": ""}
        if self.virtual_name is not None:
            return {"DeviceName": self.device, "VirtualName": self.virtual_name}
        volume = {
            "DeleteOnTermination": self.delete_on_termination,
            "Iops": self.iops,
            "SnapshotId": self.snapshot_id,
            "VolumeSize": self.size_gib,
            "VolumeType": self.volume_type,
            "Throughput": self.throughput,
            "Encrypted": self.encrypted,
        }
        return {"DeviceName": self.device, "Ebs": {name: value for name, value in volume.items() if value is not None}}
