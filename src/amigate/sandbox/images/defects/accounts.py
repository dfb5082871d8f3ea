"""Defects of accounts and their passwords."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amigate.sandbox.images import keys
from amigate.sandbox.images.defects.registry import defect

if TYPE_CHECKING:
    from amigate.sandbox.images.tree import Tree


@defect(
    "root-password",
    "root has a password that every copy of the image shares.",
    violates=("account-root-has-no-usable-password", "account-no-usable-password-hash"),
)
def _root_password(tree: Tree) -> None:
    tree.password("root", keys.SHARED_PASSWORD_HASH)


@defect(
    "user-password",
    "An ordinary account has a password that every copy of the image shares.",
    violates=("account-no-usable-password-hash",),
)
def _user_password(tree: Tree) -> None:
    tree.user("operator", uid=1030, home="/home/operator", password=keys.SHARED_PASSWORD_HASH)


@defect(
    "empty-password",
    "An account needs no password at all.",
    violates=("account-no-empty-passwords",),
)
def _empty_password(tree: Tree) -> None:
    tree.user("demo", uid=1010, home="/home/demo", password="")


@defect(
    "uid-zero",
    "A second account has the user id of root.",
    violates=("account-only-root-has-uid-zero",),
)
def _uid_zero(tree: Tree) -> None:
    tree.user("toor", uid=0, home="/srv/toor")


@defect(
    "shell-noise",
    "Every shell prints a greeting, commands over SSH included; ugly, not unsafe.",
)
def _shell_noise(tree: Tree) -> None:
    noise = 'echo "Welcome to the golden image"\n'
    tree.write("/etc/profile.d/00-welcome.sh", noise)
    before = tree.path("/etc/bash.bashrc").read_text()
    tree.write("/etc/bash.bashrc", noise + before)
