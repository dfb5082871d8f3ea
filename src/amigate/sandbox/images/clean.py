"""The clean form of the lean image: what is laid over Debian, and what is taken away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amigate.sandbox.images.cache import GUEST_FILES

if TYPE_CHECKING:
    from amigate.sandbox.images.tree import Tree

PLACES = {
    "acpi-power-button": ("/etc/acpi/PWRF/00000080", 0o755),
    "boot": ("/usr/lib/ec2-lean/boot", 0o755),
    "dhcp": ("/usr/lib/ec2-lean/dhcp", 0o755),
    "first-boot": ("/usr/lib/ec2-lean/first-boot", 0o755),
    "getty": ("/usr/lib/ec2-lean/getty", 0o755),
    "imds": ("/usr/lib/ec2-lean/imds", 0o644),
    "init": ("/usr/sbin/init", 0o755),
    "inittab": ("/etc/inittab", 0o644),
    "power-down": ("/usr/lib/ec2-lean/power-down", 0o755),
    "shutdown": ("/usr/sbin/shutdown", 0o755),
    "sshd": ("/usr/lib/ec2-lean/sshd", 0o755),
    "sshd-hardened.conf": ("/etc/ssh/sshd_config.d/60-hardened.conf", 0o644),
}
"""Guest file to its place in the image and its mode."""

_LEFTOVERS = (
    "/boot/System.map-*",
    "/boot/initrd.img*",
    "/etc/machine-id",
    "/etc/resolv.conf",
    "/etc/ssh/ssh_host_*",
    "/initrd.img*",
    "/root/.ssh",
    "/tmp/*",  # noqa: S108 - a folder of the image
    "/usr/sbin/policy-rc.d",
    "/var/cache/apt/*",
    "/var/cache/debconf/*-old",
    "/var/cache/ldconfig/aux-cache",
    "/var/lib/apt/lists/*",
    "/var/lib/dbus/machine-id",
    "/var/log/*",
    "/var/tmp/*",  # noqa: S108 - a folder of the image
    "/vmlinuz*",
)
_BUSYBOX_POWER = ("halt", "poweroff", "reboot")


def lay(tree: Tree) -> None:
    """Turn Debian's root file system into the clean lean image."""
    tree.remove(*_LEFTOVERS)
    for name, (place, mode) in PLACES.items():
        tree.write(place, (GUEST_FILES / name).read_text(), mode=mode)
    for name in _BUSYBOX_POWER:
        tree.link(f"/usr/sbin/{name}", "/bin/busybox")
    tree.write("/etc/machine-id", "", mode=0o444)
    tree.write("/etc/hostname", "localhost\n")
    tree.write("/etc/hosts", "127.0.0.1 localhost\n::1 localhost ip6-localhost\n")
    tree.write("/etc/resolv.conf", "")
    tree.password("root", "*")


def configure_boot(tree: Tree, partition: str) -> None:
    """GRUB's menu and fstab, for the partition UUID given.

    `linux16`, because `linux` moves all memory that the kernel will need byte by byte: two seconds with TCG."""
    kernel = next(tree.path("/boot").glob("vmlinuz-*")).name
    tree.write("/etc/fstab", f"PARTUUID={partition} / ext4 rw,discard,errors=remount-ro 0 1\n")
    tree.write(
        "/boot/grub/grub.cfg",
        "set timeout=0\n"
        "serial --unit=0 --speed=115200\n"
        "terminal_output serial\n"
        "menuentry Debian {\n"
        f"  linux16 /boot/{kernel} root=PARTUUID={partition} ro console=ttyS0,115200n8 net.ifnames=0\n"
        "}\n",
    )
