"""Defects of sshd and its configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amigate.sandbox.images.defects import hooks
from amigate.sandbox.images.defects.registry import also, defect

if TYPE_CHECKING:
    from amigate.sandbox.images.tree import Tree

_DROP_INS = "/etc/ssh/sshd_config.d"
_BAD_LINE = "PermitRootLogins no"
_OF_SESSIONS = (
    "ssh-no-root-password-login",
    "ssh-no-password-login",
    "ssh-no-keyboard-interactive-login",
    "ssh-no-empty-passwords",
    "ssh-match-blocks-evaluated",
    "ssh-public-key-login-enabled",
    "ssh-no-dns-checks",
    "key-live-only-launch-key",
    "boot-earlier-launch-key-absent",
    "boot-host-keys-unique-per-launch",
)
"""Rules that are asked of each kind of session."""


@defect(
    "root-password-login",
    "sshd lets root log in with a password.",
    violates=(
        "ssh-no-root-password-login",
        "ssh-no-password-login",
        "ssh-offers-no-password-method",
        "boot-without-key-no-password-path",
    ),
)
def _root_password_login(tree: Tree) -> None:
    tree.write(f"{_DROP_INS}/20-root.conf", "PermitRootLogin yes\nPasswordAuthentication yes\n")


@defect(
    "password-login",
    "A drop-in that is read first turns password logins on, whatever later files say.",
    violates=("ssh-no-password-login", "ssh-offers-no-password-method", "boot-without-key-no-password-path"),
)
def _password_login(tree: Tree) -> None:
    tree.write(f"{_DROP_INS}/50-cloud-init.conf", "PasswordAuthentication yes\n", mode=0o600)


@defect(
    "keyboard-interactive",
    "Passwords are off, but PAM asks for the same password by the keyboard-interactive method.",
    violates=(
        "ssh-no-keyboard-interactive-login",
        "ssh-offers-no-password-method",
        "boot-without-key-no-password-path",
    ),
)
def _keyboard_interactive(tree: Tree) -> None:
    tree.write(f"{_DROP_INS}/25-pam.conf", "KbdInteractiveAuthentication yes\nUsePAM yes\n")


@defect(
    "permit-empty-passwords",
    "sshd would take an empty password, wherever it takes passwords.",
    violates=("ssh-no-empty-passwords",),
)
def _permit_empty_passwords(tree: Tree) -> None:
    tree.write(f"{_DROP_INS}/35-empty.conf", "PermitEmptyPasswords yes\n")


@defect(
    "dns-checks",
    "sshd looks up the names of clients before it lets them in.",
    violates=("ssh-no-dns-checks",),
)
def _dns_checks(tree: Tree) -> None:
    tree.write(f"{_DROP_INS}/30-dns.conf", "UseDNS yes\n")


@defect(
    "match-password",
    "A Match block turns password logins on for a private network only.",
    violates=("ssh-no-password-login", "ssh-match-blocks-evaluated"),
)
def _match_password(tree: Tree) -> None:
    text = "Match Address 10.0.0.0/8\n    PasswordAuthentication yes\n"
    tree.write(f"{_DROP_INS}/70-office.conf", text)


@defect(
    "match-many",
    "Match blocks for each of many users and networks: more kinds of session than can be asked about.",
    leaves_open=_OF_SESSIONS,
)
def _match_many(tree: Tree) -> None:
    # sshd knows no `Match exec`, which would be as dark: with one it does not start.
    blocks = [
        f"Match User customer{number}\n    X11Forwarding no\nMatch Address 10.{number}.0.0/16\n    X11Forwarding no\n"
        for number in range(1, 21)
    ]
    tree.write(f"{_DROP_INS}/75-customers.conf", "".join(blocks))


@defect(
    "dangling-include",
    "sshd includes a file that is not there, and says nothing about it.",
    violates=("ssh-config-parses",),
)
def _dangling_include(tree: Tree) -> None:
    tree.write(f"{_DROP_INS}/45-company.conf", "Include /etc/ssh/company/baseline.conf\n")


@defect(
    "broken-sshd-config",
    "A drop-in does not parse, so sshd never starts.",
    violates=("boot-fresh-key-logs-in",),
)
def _broken_sshd_config(tree: Tree) -> None:
    tree.write(f"{_DROP_INS}/80-typo.conf", f"{_BAD_LINE}\n")


@defect(
    "sshd-config-breaks-later",
    "Something that runs after sshd leaves a line that does not parse; sshd lasts until the next boot.",
    violates=("ssh-config-parses", "boot-survives-reboot"),
    leaves_open=_OF_SESSIONS,  # sshd answers nothing about a configuration that does not parse
    on=("systemd", "cloud"),
)
def _sshd_config_breaks_later(tree: Tree) -> None:
    hooks.script(tree, "audit", f"echo '{_BAD_LINE}' >{_DROP_INS}/85-audit.conf")
    hooks.after_sshd(tree, "audit")


@also("sshd-config-breaks-later", on=("lean",))
def _sshd_config_breaks_later_lean(tree: Tree) -> None:
    wait = "until [ -e /run/sshd.pid ]; do sleep 0.2; done"
    hooks.script(tree, "audit", f"{wait}\necho '{_BAD_LINE}' >{_DROP_INS}/85-audit.conf")
    tree.append("/etc/inittab", f"::once:{hooks.path('audit')}\n")


@defect(
    "no-sshd",
    "sshd never starts.",
    violates=("boot-fresh-key-logs-in",),
)
def _no_sshd(tree: Tree) -> None:
    # Debian's ssh.service looks for it, and so does the lean image.
    tree.write("/etc/ssh/sshd_not_to_be_run", "")
