"""What can be wrong with an image, each as a change to the clean one; any of them go together, in any order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from amigate.sandbox.images import keys

if TYPE_CHECKING:
    from collections.abc import Callable

    from amigate.sandbox.images.tree import Tree

DEFAULT_USER = "admin"
_DEFAULT_UID = 1000


@dataclass(frozen=True, kw_only=True)
class Defect:
    """One thing that an image should not have."""

    name: str
    summary: str
    """What is wrong, in one sentence."""
    violates: tuple[str, ...]
    """Ids of the rules that it breaks, of those that judge running instances; empty for what is only odd."""
    apply: Callable[[Tree], None]
    """Changes the clean tree."""


DEFECTS: dict[str, Defect] = {}


def _defect(
    name: str, summary: str, *, violates: tuple[str, ...] = ()
) -> Callable[[Callable[[Tree], None]], Callable[[Tree], None]]:
    """Register a change to the tree."""

    def register(apply: Callable[[Tree], None]) -> Callable[[Tree], None]:
        DEFECTS[name] = Defect(name=name, summary=summary, violates=violates, apply=apply)
        return apply

    return register


def _default_user(tree: Tree) -> None:
    """Add the account that first boot would make, as in an image made from an instance."""
    tree.user(DEFAULT_USER, uid=_DEFAULT_UID, home=f"/home/{DEFAULT_USER}")


@_defect(
    "root-password-login",
    "sshd lets root log in with a password.",
    violates=(
        "ssh-no-root-password-login",
        "ssh-no-password-login",
    ),
)
def _root_password_login(tree: Tree) -> None:
    tree.write("/etc/ssh/sshd_config.d/20-root.conf", "PermitRootLogin yes\nPasswordAuthentication yes\n")


@_defect(
    "password-login",
    "A drop-in that is read first turns password logins on, whatever later files say.",
    violates=("ssh-no-password-login",),
)
def _password_login(tree: Tree) -> None:
    tree.write("/etc/ssh/sshd_config.d/50-cloud-init.conf", "PasswordAuthentication yes\n", mode=0o600)


@_defect(
    "dns-checks",
    "sshd looks up the names of clients before it lets them in.",
    violates=("ssh-no-dns-checks",),
)
def _dns_checks(tree: Tree) -> None:
    tree.write("/etc/ssh/sshd_config.d/30-dns.conf", "UseDNS yes\n")


@_defect(
    "match-password",
    "A Match block turns password logins on for a private network only.",
    violates=("ssh-no-password-login",),
)
def _match_password(tree: Tree) -> None:
    text = "Match Address 10.0.0.0/8\n    PasswordAuthentication yes\n"
    tree.write("/etc/ssh/sshd_config.d/70-office.conf", text)


@_defect(
    "root-password",
    "root has a password that every copy of the image shares.",
    violates=("account-root-has-no-usable-password",),
)
def _root_password(tree: Tree) -> None:
    tree.password("root", keys.SHARED_PASSWORD_HASH)


@_defect(
    "empty-password",
    "An account needs no password at all.",
    violates=("account-no-empty-passwords",),
)
def _empty_password(tree: Tree) -> None:
    tree.user("demo", uid=1010, home="/home/demo", password="")


@_defect(
    "builder-key",
    "The key of whoever built the image still opens the default user.",
    violates=(
        "key-live-only-launch-key",
        "boot-earlier-launch-key-absent",
    ),
)
def _builder_key(tree: Tree) -> None:
    _default_user(tree)
    file = f"/home/{DEFAULT_USER}/.ssh/authorized_keys"
    tree.authorize(keys.builder_public_key("packer_5f1c2b7a"), file=file, uid=_DEFAULT_UID)


@_defect(
    "root-builder-key",
    "The key of whoever built the image still opens root.",
    violates=(
        "key-live-only-launch-key",
        "boot-earlier-launch-key-absent",
    ),
)
def _root_builder_key(tree: Tree) -> None:
    tree.authorize(keys.builder_public_key("root@builder"), file="/root/.ssh/authorized_keys", uid=0)


@_defect(
    "key-outside-home",
    "Keys lie where nobody looks: in a folder of sshd's own, and in a home outside /home.",
    violates=(
        "key-live-only-launch-key",
        "boot-earlier-launch-key-absent",
    ),
)
def _key_outside_home(tree: Tree) -> None:
    text = "AuthorizedKeysFile .ssh/authorized_keys /etc/ssh/keys/%u\n"
    tree.write("/etc/ssh/sshd_config.d/40-keys.conf", text)
    tree.write(f"/etc/ssh/keys/{DEFAULT_USER}", f"{keys.builder_public_key('fleet')}\n")
    tree.user("deploy", uid=1020, home="/srv/deploy")
    tree.authorize(keys.builder_public_key("deploy@ci"), file="/srv/deploy/.ssh/authorized_keys", uid=1020)


@_defect(
    "baked-host-keys",
    "The host keys of the build machine are in the image, so every instance has the same.",
    violates=("boot-host-keys-unique-per-launch",),
)
def _baked_host_keys(tree: Tree) -> None:
    for kind, (private, public) in keys.host_keys().items():
        tree.write(f"/etc/ssh/ssh_host_{kind}_key", private, mode=0o600)
        tree.write(f"/etc/ssh/ssh_host_{kind}_key.pub", f"{public} root@builder\n")


@_defect(
    "no-key-injection",
    "First boot ignores the launch key, so nobody can log in.",
    violates=(
        "boot-fresh-key-logs-in",
        "key-live-only-launch-key",
    ),
)
def _no_key_injection(tree: Tree) -> None:
    tree.write("/etc/ec2-lean.conf", "inject_key=no\n")


@_defect(
    "no-sshd",
    "sshd never starts.",
    violates=("boot-fresh-key-logs-in",),
)
def _no_sshd(tree: Tree) -> None:
    tree.write("/etc/ssh/sshd_not_to_be_run", "")


@_defect(
    "shell-noise",
    "Every shell prints a greeting, commands over SSH included; ugly, not unsafe.",
)
def _shell_noise(tree: Tree) -> None:
    noise = 'echo "Welcome to the golden image"\n'
    tree.write("/etc/profile.d/00-welcome.sh", noise)
    before = tree.path("/etc/bash.bashrc").read_text()
    tree.write("/etc/bash.bashrc", noise + before)


LEAKY = (
    "root-password-login",
    "password-login",
    "dns-checks",
    "root-password",
    "empty-password",
    "builder-key",
    "root-builder-key",
    "baked-host-keys",
)
"""The leaky image of the demo: much is wrong, and a launch key still logs in."""
