"""What every clean image has in common: nothing left of its making, refusals in sshd, and how it boots."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amigate.sandbox.images import cache

if TYPE_CHECKING:
    from collections.abc import Mapping

    from amigate.sandbox.images.tree import Tree

SHARED = "shared"

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


def lay(tree: Tree) -> None:
    """Take away what identifies one machine, and give what each image starts with."""
    tree.remove(*_LEFTOVERS)
    place(tree, SHARED, {"sshd-hardened.conf": ("/etc/ssh/sshd_config.d/60-hardened.conf", 0o644)})
    tree.write("/etc/machine-id", "", mode=0o444)
    tree.write("/etc/hostname", "localhost\n")
    tree.write("/etc/hosts", "127.0.0.1 localhost\n::1 localhost ip6-localhost\n")
    tree.write("/etc/resolv.conf", "")
    tree.password("root", "*")


def lay_first_boot(tree: Tree) -> None:
    """Lay the script that stands in for cloud-init."""
    places = {
        "first-boot": ("/usr/lib/ec2-first-boot/first-boot", 0o755),
        "imds": ("/usr/lib/ec2-first-boot/imds", 0o644),
    }
    place(tree, SHARED, places)


def place(tree: Tree, folder: str, places: Mapping[str, tuple[str, int]]) -> None:
    """Write guest files of a folder: name to its place in the image and its mode."""
    for name, (where, mode) in places.items():
        tree.write(where, (cache.GUEST_FILES / folder / name).read_text(), mode=mode)


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
