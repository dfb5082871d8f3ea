"""The clean form of the cloud image: stock cloud-init, set as in Debian's own images for EC2.

Packages and settings: https://salsa.debian.org/cloud-team/debian-cloud-images (classes CLOUD, EC2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amigate.sandbox.images import clean

if TYPE_CHECKING:
    from amigate.sandbox.images.tree import Tree

PACKAGES = (
    "ca-certificates",
    "cloud-guest-utils",  # growpart
    "cloud-init",
    "dbus",
    "e2fsprogs",
    "gdisk",
    "iproute2",
    "isc-dhcp-client",  # Ec2Local asks for an address with it
    "kmod",
    "libpam-systemd",
    "linux-image-cloud-amd64",
    "locales",  # without it cloud-init ends in an error
    "netplan.io",
    "openssh-client",
    "openssh-server",
    "procps",
    "python3",
    "sudo",
    "systemd-sysv",
    "udev",
)
_OWN = "cloud"
GUEST_FOLDERS = (clean.SHARED, _OWN)
_PLACES = {
    "01_debian_cloud.cfg": ("/etc/cloud/cloud.cfg.d/01_debian_cloud.cfg", 0o644),
    "90_dpkg.cfg": ("/etc/cloud/cloud.cfg.d/90_dpkg.cfg", 0o644),
}


def lay(tree: Tree) -> None:
    """Turn Debian's root file system into the clean image with cloud-init."""
    clean.lay(tree)
    clean.place(tree, _OWN, _PLACES)
    tree.write("/etc/default/locale", "LANG=C.UTF-8\n")
