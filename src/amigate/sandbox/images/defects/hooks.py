"""Scripts that a builder left in an image, and what starts them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from amigate.sandbox.images.tree import Tree

_FOLDER = "/usr/local/lib/golden"
SETTINGS = "/etc/ec2-first-boot.d"
"""What the first boot of the lean and the systemd image reads: NAME.conf before anything, NAME.last after all."""


def path(name: str) -> str:
    """Return where a script lies."""
    return f"{_FOLDER}/{name}"


def script(tree: Tree, name: str, text: str) -> None:
    """Lay a shell script."""
    tree.write(path(name), f"#!/bin/sh\n{text}\n", mode=0o755)


def before_sshd(tree: Tree, name: str) -> None:
    """Let systemd run a script each time before sshd starts: after first boot has written the launch key."""
    tree.write(f"/etc/systemd/system/ssh.service.d/{name}.conf", f"[Service]\nExecStartPre={path(name)}\n")


def after_sshd(tree: Tree, name: str) -> None:
    """Let systemd run a script each time once sshd is ready."""
    tree.write(f"/etc/systemd/system/ssh.service.d/{name}.conf", f"[Service]\nExecStartPost={path(name)}\n")


def at_boot(tree: Tree, name: str, *, unit: str = "") -> None:
    """Let systemd run a script at every boot, with further lines for its unit."""
    text = f"[Unit]\nDescription=Golden image: {name}\n{unit}\n[Service]\nType=oneshot\nExecStart={path(name)}\n"
    tree.write(f"/etc/systemd/system/golden-{name}.service", text)
    wanted = f"/etc/systemd/system/multi-user.target.wants/golden-{name}.service"
    tree.folder(wanted.rpartition("/")[0])
    tree.link(wanted, f"/etc/systemd/system/golden-{name}.service")
