"""Where sshd looks for the keys of each user."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from amigate.check import InconclusiveError
from amigate.errors import HardenError
from amigate.evidence.keep import Keep
from amigate.evidence.questions import Glob, Needs, ReadFile
from amigate.facts.accounts import Accounts
from amigate.harden.sshd_server import config_lines

if TYPE_CHECKING:
    from amigate.evidence.model import Entry, View
    from amigate.facts.accounts import Account
    from amigate.harden.builder import Builder

USUAL = (".ssh/authorized_keys", ".ssh/authorized_keys2")
"""Looked at whatever sshd says: what it does not read today, it may read tomorrow."""

GLOBS = ("/etc/ssh/*authorized_keys*", "/etc/ssh/*keys/*", "/etc/ssh/*keys.d/*")


def key_files(builder: Builder, view: View) -> dict[str, Entry]:
    """Return every file of authorized keys that there is, of every user in passwd, by path.

    `view` is of the accounts and of sshd's configuration."""
    lines = config_lines(view)
    said = [word for line in lines if line.keyword == "authorizedkeysfile" for word in line.words]
    patterns = dict.fromkeys((*USUAL, *(word for word in said if word != "none")))
    users = accounts_of(view).all
    paths = dict.fromkeys(expand(pattern, user) for user in users for pattern in patterns)
    files = [ReadFile(path, Keep.WHOLE) for path in paths]
    found = builder.look(Needs(first=(*files, *(Glob(glob, Keep.WHOLE) for glob in GLOBS))))
    if found.unseen:
        raise HardenError(f"files of keys cannot be seen: {next(iter(found.unseen.values()))}")
    return {path: entry for path, entry in sorted(found.entries.items()) if entry.content is not None}


def accounts_of(view: View) -> Accounts:
    """Return the accounts; raises HardenError where they cannot be read."""
    try:
        return Accounts.read(view)
    except InconclusiveError as error:
        raise HardenError(str(error)) from error


def default_file(user: Account) -> str:
    """Return the file in which sshd looks for `user`'s keys unless told otherwise."""
    return expand(USUAL[0], user)


def expand(pattern: str, user: Account) -> str:
    """Expand an AuthorizedKeysFile pattern as sshd_config(5) says: %% %h %u %U, relative to the home."""
    tokens = {"%": "%", "h": user.home, "u": user.name, "U": str(user.uid)}
    parts = pattern.split("%")
    text = parts[0]
    rest = iter(parts[1:])
    for part in rest:
        # An empty part is the second half of "%%".
        text += "%" + next(rest, "") if part == "" else tokens.get(part[0], "%" + part[0]) + part[1:]
    return posixpath.normpath(posixpath.join(user.home or "/", text))
