"""Defects that show when an instance boots a second time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amigate.sandbox.images.defects import hooks
from amigate.sandbox.images.defects.registry import also, defect

if TYPE_CHECKING:
    from amigate.sandbox.images.tree import Tree

_SURVIVES = ("boot-survives-reboot",)
_MISSING = "UUID=5c1bfa32-0000-4000-8000-000000000bad /var/lib/data ext4 defaults,x-systemd.device-timeout=10s 0 2"
_NEW_HOST_KEY = "rm -f /etc/ssh/ssh_host_*\nexec ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key"


@defect(
    "dies-at-reboot",
    "First boot leaves something behind that keeps the second one from ever reaching the network.",
    violates=_SURVIVES,
    on=("systemd",),
)
def _dies_at_reboot(tree: Tree) -> None:
    # A mount that is not there: systemd falls into emergency mode, where a locked root cannot log in.
    tree.write(
        f"{hooks.SETTINGS}/data-disk.last", f"grep -q /var/lib/data /etc/fstab || echo '{_MISSING}' >>/etc/fstab\n"
    )


@also("dies-at-reboot", on=("cloud",))
def _dies_at_reboot_cloud(tree: Tree) -> None:
    text = f"#!/bin/sh\necho '{_MISSING}' >>/etc/fstab\n"
    tree.write("/var/lib/cloud/scripts/per-once/data-disk", text, mode=0o755)


@also("dies-at-reboot", on=("lean",))
def _dies_at_reboot_lean(tree: Tree) -> None:
    # "Tidies up" what asks for an address; this boot has one already.
    tree.write(f"{hooks.SETTINGS}/tidy-up.last", "rm -f /usr/lib/ec2-lean/dhcp\n")


@defect(
    "host-keys-change-at-reboot",
    "Each boot makes new host keys, so receivers see another machine every time.",
    violates=_SURVIVES,
    on=("systemd", "cloud"),
)
def _host_keys_change_at_reboot(tree: Tree) -> None:
    hooks.script(tree, "new-host-keys", _NEW_HOST_KEY)
    order = "Before=ssh.service ec2-host-keys.service\nAfter=cloud-init.service\n"
    hooks.at_boot(tree, "new-host-keys", unit=order)


@also("host-keys-change-at-reboot", on=("lean",))
def _host_keys_change_at_reboot_lean(tree: Tree) -> None:
    # The boot script makes those that are missing while this runs, so the first boot keeps them.
    again = f"if [ -e /var/lib/booted ]; then ({_NEW_HOST_KEY}); fi\n: >/var/lib/booted\n"
    tree.write(f"{hooks.SETTINGS}/new-host-keys.last", again)
