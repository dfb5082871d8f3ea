"""What a machine is made of, as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

DEVICE = "/dev/xvda"
"""What EC2 calls the root device; the guest sees an NVMe disk."""


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
    backing: Path
    """The image's disk."""
    size_bytes: int
    """Size of the root volume; at least that of the image."""
    memory_mib: int

    @property
    def private_dns(self) -> str:
        """The host name that EC2 gives."""
        domain = "ec2.internal" if self.region == "us-east-1" else f"{self.region}.compute.internal"
        return f"ip-{self.private_ip.replace('.', '-')}.{domain}"
