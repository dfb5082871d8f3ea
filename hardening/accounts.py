"""The step `accounts`."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from amigate.evidence.keep import Keep
from amigate.evidence.questions import Glob, Needs, ReadFile
from amigate.harden import passwords, sshd_server
from amigate.harden.key_files import accounts_of
from amigate.harden.step import step

if TYPE_CHECKING:
    from collections.abc import Callable

    from amigate.evidence.model import View
    from amigate.harden.builder import Builder

FILES = tuple(f"/etc/{name}" for name in ("passwd", "shadow", "group", "gshadow"))
COPIES = tuple(
    pattern
    for name in ("passwd", "shadow", "group", "gshadow")
    for pattern in (f"/etc/{name}-", f"/etc/{name}~", f"/etc/{name}.*", f"/var/backups/{name}.*")
)
OLD_HASHES = "/etc/security/opasswd"
NEEDS = Needs(
    first=(
        *(ReadFile(path, Keep.WHOLE) for path in (*FILES, OLD_HASHES)),
        *(Glob(copy, Keep.WHOLE) for copy in COPIES),
    )
)


@step(
    "accounts",
    meets=[
        "account-root-has-no-usable-password",
        "account-no-empty-passwords",
        "account-no-usable-password-hash",
        "account-no-hash-behind-lock",
        "account-shadow-backups-without-hashes",
        "account-default-user-accepts-keys",
        "account-aging-keeps-key-login",
        "account-only-root-has-uid-zero",
        "boot-default-user-becomes-root",
    ],
)
def accounts(builder: Builder) -> None:
    """No account has a password, in the account files or in copies of them, and only root is a superuser.

    Whoever launches the image has the hash in hand, and every copy of the image has the same password. A hash behind
    a lock is as good as a hash. Another account with user id 0 is removed; its home stays. Keys and sudo go on
    working: sudo without a password was proven at login, and is proven again."""
    view = builder.look(NEEDS, sshd_server.CONFIG)
    users = accounts_of(view)
    key_users = {account.name for account in users.login_users}
    shadowed = {line.name for line in users.shadow or ()}
    no_bang_for = key_users if _locks_bar_keys(view) else set()
    others = {account.name for account in users.all if account.uid == 0 and account.name != "root"}
    edits: dict[str, Callable[[str], str]] = {
        "shadow": lambda text: passwords.shadow(
            passwords.without(text, others), key_users=key_users, no_bang_for=no_bang_for
        ),
        "passwd": lambda text: passwords.passwd(passwords.without(text, others), shadowed),
        "gshadow": passwords.gshadow,
        "group": passwords.group,
        "opasswd": lambda _: "",
    }
    for path, entry in sorted(view.entries.items()):
        if entry.content and _kind(path) in edits:
            builder.write(path, edits[_kind(path)](entry.content.decode("utf-8", "surrogateescape")))
    builder.prove_login()


def _locks_bar_keys(view: View) -> bool:
    """Whether `!` in front of a password keeps a user's keys out too, as sshd does without PAM.

    UsePAM cannot stand in a Match; the first that is read counts, and without any it is off."""
    lines = sshd_server.config_lines(view)
    answers = [" ".join(line.words).lower() for line in lines if line.keyword == "usepam"]
    return bool(lines) and answers[:1] != ["yes"]


def _kind(path: str) -> str:
    return re.split(r"[-.~]", posixpath.basename(path), maxsplit=1)[0]
