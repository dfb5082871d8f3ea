"""Defects of what an image does at its first boot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amigate.errors import SandboxError
from amigate.sandbox.images import keys
from amigate.sandbox.images.defects import hooks
from amigate.sandbox.images.defects.registry import DEFAULT_USER, also, defect

if TYPE_CHECKING:
    from amigate.sandbox.images.tree import Tree

_EC2_SOURCE = "/usr/lib/python3/dist-packages/cloudinit/sources/DataSourceEc2.py"
_ASKS_FOR_TOKEN = "if self.cloud_name != CloudNames.AWS:"  # noqa: S105 - a line of cloud-init's
_NO_KEY = "boot-fresh-key-logs-in"


@defect(
    "no-key-injection",
    "First boot ignores the launch key, so nobody can log in.",
    violates=(_NO_KEY, "key-live-only-launch-key"),
    on=("lean", "systemd"),
)
def _no_key_injection(tree: Tree) -> None:
    tree.write(f"{hooks.SETTINGS}/no-keys.conf", "inject_key=no\n")


@also("no-key-injection", on=("cloud",))
def _no_key_injection_cloud(tree: Tree) -> None:
    tree.write("/etc/cloud/cloud.cfg.d/20_no_keys.cfg", "allow_public_ssh_keys: false\n")


@defect(
    "imdsv1-only",
    "First boot asks for metadata without a session token, as before IMDSv2, and gets none where a token is required.",
    violates=("boot-works-with-imdsv2-only", _NO_KEY),
    on=("lean", "systemd"),
)
def _imdsv1_only(tree: Tree) -> None:
    tree.write(f"{hooks.SETTINGS}/old-metadata.conf", "imds_version=1\n")


@also("imdsv1-only", on=("cloud",))
def _imdsv1_only_cloud(tree: Tree) -> None:
    # As cloud-init was before 19.4: it never asks for a token.
    before = tree.path(_EC2_SOURCE).read_text()
    if before.count(_ASKS_FOR_TOKEN) != 1:
        raise SandboxError(f"{_EC2_SOURCE} is not what it was: no single line {_ASKS_FOR_TOKEN!r}")
    tree.write(_EC2_SOURCE, before.replace(_ASKS_FOR_TOKEN, "if True:  # this old version knows no tokens"))


@defect(
    "provisioning-error",
    "Something that is to set up the instance at first boot fails; the login works.",
    violates=("boot-provisioning-finishes-without-error",),
    on=("systemd",),
)
def _provisioning_error(tree: Tree) -> None:
    hooks.script(tree, "setup", "exec /opt/setup/register-with-fleet")
    hooks.at_boot(tree, "setup")


@also("provisioning-error", on=("cloud",))
def _provisioning_error_cloud(tree: Tree) -> None:
    tree.write("/etc/cloud/cloud.cfg.d/40_setup.cfg", "runcmd:\n  - [ /opt/setup/register-with-fleet ]\n")


@defect(
    "no-key-password-fallback",
    "An instance that is launched without a key gets a default password, and sshd is told to take it.",
    violates=("boot-without-key-no-password-path",),
    on=("systemd", "cloud"),
)
def _no_key_password_fallback(tree: Tree) -> None:
    hooks.script(tree, "no-key", _fallback(f"[ -s /home/{DEFAULT_USER}/.ssh/authorized_keys ]"))
    hooks.before_sshd(tree, "no-key")


@also("no-key-password-fallback", on=("lean",))
def _no_key_password_fallback_lean(tree: Tree) -> None:
    hooks.script(tree, "no-key", _fallback('[ -n "$key" ]'))
    tree.write(f"{hooks.SETTINGS}/no-key.last", f". {hooks.path('no-key')}\n")


def _fallback(has_key: str) -> str:
    """Return the script that sets a password unless there is a key."""
    return (
        f"if ! {has_key}; then\n"
        f"  echo '{DEFAULT_USER}:{keys.SHARED_PASSWORD_HASH}' | chpasswd -e\n"
        "  echo 'PasswordAuthentication yes' >/etc/ssh/sshd_config.d/10-fallback.conf\n"
        "fi"
    )
