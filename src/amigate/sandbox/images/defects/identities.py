"""Defects of what tells one machine from another, and of secrets that each is to make for itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amigate.sandbox.images.defects import hooks
from amigate.sandbox.images.defects.registry import defect

if TYPE_CHECKING:
    from amigate.sandbox.images.tree import Tree

APP_SECRET = "/etc/golden/admin-token"  # noqa: S105 - a path
"""Where the application of these images keeps its secret."""

_IDENTITIES = ("boot-identities-unique-per-launch",)


@defect(
    "machine-id-baked",
    "The machine-id of the build machine is in the image, so every instance has the same.",
    violates=_IDENTITIES,
)
def _machine_id_baked(tree: Tree) -> None:
    tree.write("/etc/machine-id", "5c1bfa3200004000800000000000dbad\n", mode=0o444)


@defect(
    "random-seed-baked",
    "The seed of random numbers of the build machine is in the image, and nothing renews it at boot.",
    violates=_IDENTITIES,
    on=("lean",),  # systemd renews it
)
def _random_seed_baked(tree: Tree) -> None:
    tree.write("/var/lib/systemd/random-seed", "seed" * 128, mode=0o600)


@defect(
    "host-name-baked",
    "Every instance is called as the build machine was, whatever EC2 says.",
    violates=_IDENTITIES,
    on=("lean",),
)
def _host_name_baked(tree: Tree) -> None:
    tree.write(f"{hooks.SETTINGS}/host-name.last", "echo golden >/proc/sys/kernel/hostname\n")


@defect(
    "app-secret-baked",
    f"An application's secret, {APP_SECRET}, was made when it was installed; found where the profile names the file.",
    violates=("boot-application-secrets-random",),
)
def _app_secret_baked(tree: Tree) -> None:
    tree.write(APP_SECRET, "hunter2-of-every-instance\n", mode=0o600)
