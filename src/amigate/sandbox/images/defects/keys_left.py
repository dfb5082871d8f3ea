"""Defects of keys that were left in an image."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amigate.sandbox.images import keys
from amigate.sandbox.images.defects.registry import DEFAULT_UID, DEFAULT_USER, also, defect

if TYPE_CHECKING:
    from amigate.sandbox.images.tree import Tree

_OLD_KEY = ("key-live-only-launch-key", "boot-earlier-launch-key-absent")


@defect(
    "builder-key",
    "The key of whoever built the image still opens the default user.",
    violates=_OLD_KEY,
)
def _builder_key(tree: Tree) -> None:
    # The account that first boot would make, as in an image made from an instance.
    home = f"/home/{DEFAULT_USER}"
    tree.user(DEFAULT_USER, uid=DEFAULT_UID, home=home)
    tree.authorize(keys.builder_public_key("packer_5f1c2b7a"), file=f"{home}/.ssh/authorized_keys", uid=DEFAULT_UID)


@defect(
    "root-builder-key",
    "The key of whoever built the image still opens root.",
    violates=_OLD_KEY,
)
def _root_builder_key(tree: Tree) -> None:
    tree.authorize(keys.builder_public_key("root@builder"), file="/root/.ssh/authorized_keys", uid=0)


@defect(
    "key-outside-home",
    "Keys lie where nobody looks: in a folder of sshd's own, and in a home outside /home.",
    violates=_OLD_KEY,
)
def _key_outside_home(tree: Tree) -> None:
    text = "AuthorizedKeysFile .ssh/authorized_keys /etc/ssh/keys/%u\n"
    tree.write("/etc/ssh/sshd_config.d/40-keys.conf", text)
    tree.write(f"/etc/ssh/keys/{DEFAULT_USER}", f"{keys.builder_public_key('fleet')}\n")
    tree.user("deploy", uid=1020, home="/srv/deploy")
    tree.authorize(keys.builder_public_key("deploy@ci"), file="/srv/deploy/.ssh/authorized_keys", uid=1020)


@defect(
    "baked-host-keys",
    "The host keys of the build machine are in the image, so every instance has the same.",
    violates=("boot-host-keys-unique-per-launch",),
    on=("lean", "systemd"),
)
def _baked_host_keys(tree: Tree) -> None:
    for kind, (private, public) in keys.host_keys().items():
        tree.write(f"/etc/ssh/ssh_host_{kind}_key", private, mode=0o600)
        tree.write(f"/etc/ssh/ssh_host_{kind}_key.pub", f"{public} root@builder\n")


@also("baked-host-keys", on=("cloud",))
def _baked_host_keys_cloud(tree: Tree) -> None:
    # cloud-init replaces host keys, unless it is told not to, as on older Fedora and RHEL (CVE-2018-10896).
    _baked_host_keys(tree)
    tree.write("/etc/cloud/cloud.cfg.d/30_keep_host_keys.cfg", "ssh_deletekeys: false\n")
