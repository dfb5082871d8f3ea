"""The clean form of the systemd image: Debian's own init, networkd, and one unit that stands in for cloud-init."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amigate.sandbox.images import clean

if TYPE_CHECKING:
    from amigate.sandbox.images.tree import Tree

PACKAGES = (
    "dbus",
    "e2fsprogs",
    "iproute2",
    "kmod",
    "libpam-systemd",
    "linux-image-cloud-amd64",
    "openssh-client",
    "openssh-server",
    "procps",
    "sudo",
    "systemd-sysv",
    "udev",
)
_OWN = "systemd"
GUEST_FOLDERS = (clean.SHARED, _OWN)
_UNITS = ("ec2-first-boot.service", "ec2-host-keys.service")
_PLACES = {
    "10-ec2.network": ("/etc/systemd/network/10-ec2.network", 0o644),
    "host-keys": ("/usr/lib/ec2-first-boot/host-keys", 0o755),
    **{unit: (f"/usr/lib/systemd/system/{unit}", 0o644) for unit in _UNITS},
}


def lay(tree: Tree) -> None:
    """Turn Debian's root file system into the clean image with a full init."""
    clean.lay(tree)
    clean.lay_first_boot(tree)
    clean.place(tree, _OWN, _PLACES)
    for unit in (*_UNITS, "systemd-networkd.service"):
        enable(tree, unit)


def enable(tree: Tree, unit: str, *, target: str = "multi-user.target") -> None:
    """Let a target want a unit, as `systemctl enable` does."""
    tree.link(f"/etc/systemd/system/{target}.wants/{unit}", f"/usr/lib/systemd/system/{unit}")
