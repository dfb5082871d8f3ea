"""The clean form of the lean image: busybox as init, and few processes to be started."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amigate.sandbox.images import clean

if TYPE_CHECKING:
    from amigate.sandbox.images.tree import Tree

PACKAGES = (
    "busybox",
    "iproute2",
    "kmod",
    "linux-image-cloud-amd64",
    "openssh-client",
    "openssh-server",
    "procps",
    "sudo",
)
_OWN = "lean"
GUEST_FOLDERS = (clean.SHARED, _OWN)
_PLACES = {
    "acpi-power-button": ("/etc/acpi/PWRF/00000080", 0o755),
    "boot": ("/usr/lib/ec2-lean/boot", 0o755),
    "dhcp": ("/usr/lib/ec2-lean/dhcp", 0o755),
    "getty": ("/usr/lib/ec2-lean/getty", 0o755),
    "init": ("/usr/sbin/init", 0o755),
    "inittab": ("/etc/inittab", 0o644),
    "power-down": ("/usr/lib/ec2-lean/power-down", 0o755),
    "shutdown": ("/usr/sbin/shutdown", 0o755),
    "sshd": ("/usr/lib/ec2-lean/sshd", 0o755),
}
_BUSYBOX_POWER = ("halt", "poweroff", "reboot")


def lay(tree: Tree) -> None:
    """Turn Debian's root file system into the clean lean image."""
    clean.lay(tree)
    clean.lay_first_boot(tree)
    clean.place(tree, _OWN, _PLACES)
    for name in _BUSYBOX_POWER:
        tree.link(f"/usr/sbin/{name}", "/bin/busybox")
