"""What a machine is made of, as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

DEVICE = "/dev/xvda"
"""What EC2 calls the root device of most images."""


@dataclass(frozen=True, kw_only=True)
class Disk:
    """One volume of an instance; the guest sees an NVMe disk."""

    volume_id: str
    device: str
    """What EC2 calls it."""
    backing: Path | None
    """The disk of its snapshot; None for an empty volume."""
    size_bytes: int
    """At least that of the snapshot."""

    @property
    def file_name(self) -> str:
        """Its file in the folder of the machine."""
        return f"{self.volume_id}.qcow2"

    @property
    def serial(self) -> str:
        """What the guest sees, which leads back to the volume as on EC2."""
        return self.volume_id.replace("-", "")


@dataclass(frozen=True, kw_only=True)
class Spec:
    """One instance, as EC2 describes it and QEMU boots it."""

    instance_id: str
    reservation_id: str
    launch_index: int
    image_id: str
    instance_type: str
    account_id: str
    zone: str
    region: str
    private_ip: str
    public_ip: str
    """A loopback address of this machine, 127.0.0.N."""
    ssh_port: int
    """The port on `public_ip` that leads to port 22 of the guest."""
    mac: str
    interface_id: str
    security_groups: tuple[str, ...]
    """Names."""
    key_name: str
    """Empty for a launch without a key."""
    public_key: str
    user_data: bytes
    tokens_required: bool
    """Whether metadata is read with a session token only (HttpTokens)."""
    metadata_enabled: bool
    """Whether there is a metadata service at all (HttpEndpoint)."""
    disks: tuple[Disk, ...]
    """The root volume, then the others."""
    memory_mib: int

    @property
    def private_dns(self) -> str:
        """The host name that EC2 gives."""
        domain = "ec2.internal" if self.region == "us-east-1" else f"{self.region}.compute.internal"
        return f"ip-{self.private_ip.replace('.', '-')}.{domain}"
