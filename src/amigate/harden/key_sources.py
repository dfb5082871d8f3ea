"""Where sshd takes keys from: back to the usual places, without losing the key that is logged in."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from amigate.errors import HardenError
from amigate.evidence.script import quote
from amigate.facts import accounts
from amigate.harden import sshd_server
from amigate.harden.key_files import accounts_of, default_file, key_files
from amigate.harden.sshd_edit import Edit

if TYPE_CHECKING:
    from amigate.evidence.model import Entry
    from amigate.evidence.questions import Needs
    from amigate.facts.accounts import Account
    from amigate.facts.sshd_config import Line
    from amigate.harden.builder import Builder

USUAL_FILES = {".ssh/authorized_keys", ".ssh/authorized_keys2"}
KNOWN_COMMANDS = {"none", "eic_run_authorized_keys", "sss_ssh_authorizedkeys", "google_authorized_keys"}
"""Of EC2 Instance Connect, SSSD and Google's agent."""

NEEDS: tuple[Needs, ...] = (accounts.NEEDS, sshd_server.CONFIG)


def close_key_sources(builder: Builder) -> dict[str, Entry]:
    """Have sshd take keys from each user's home and known commands only; return the files of keys there were.

    The key that is logged in is put where sshd looks then, and a new login is proven."""
    if not builder.machine.key:
        raise HardenError("which key is logged in is not known, so the others cannot be told from it")
    view = builder.look(*NEEDS)
    files = key_files(builder, view)
    lines = sshd_server.config_lines(view)
    if not any(map(is_unknown_source, lines)):
        return files
    user = next((one for one in accounts_of(view).all if one.name == builder.machine.user), None)
    if user is not None and (line := login_line(builder, files, default_file(user))):
        _add(builder, user, files, line)
    edit = Edit.of(builder, lines)
    edit.drop(is_unknown_source)
    for path, text, mode in edit.files():
        builder.write(path, text, mode=mode)
    builder.verify(lambda: sshd_server.test(builder))
    sshd_server.reload(builder)
    builder.prove_login()
    return files


def is_unknown_source(line: Line) -> bool:
    """Whether a line lets sshd take keys from anywhere else."""
    first = line.words[0].lower() if line.words else ""
    match line.keyword:
        case "authorizedkeysfile":
            return not {word.removeprefix("%h/") for word in line.words} <= USUAL_FILES
        case "authorizedkeyscommand":
            return posixpath.basename(first) not in KNOWN_COMMANDS
        case "trustedusercakeys" | "authorizedprincipalsfile" | "authorizedprincipalscommand":
            return first != "none"
        case _:
            return False


def login_line(builder: Builder, files: dict[str, Entry], first: str) -> str:
    """Return the line of the key that is logged in, from the file `first` if it is there, else from any other.

    Other files may hold it behind a command that is forced on it, as cloud-init does for root."""
    for path in sorted(files, key=lambda path: path != first):
        for line in text_of(files[path]).splitlines():
            if builder.machine.key in line.split() and not line.lstrip().startswith("#"):
                return f"{line.strip()}\n"
    return ""


def text_of(entry: Entry) -> str:
    """Return a file's content."""
    return (entry.content or b"").decode("utf-8", "surrogateescape")


def _add(builder: Builder, user: Account, files: dict[str, Entry], line: str) -> None:
    path, owner = default_file(user), (user.uid, user.gid)
    folder = posixpath.dirname(path)
    there = text_of(files[path]) if path in files else ""
    if line.strip() in there.splitlines():
        return
    if builder.entry(folder) is None:
        name = quote(folder)
        builder.run(f"make {folder}", f"mkdir -m 700 -- {name} && chown {owner[0]}:{owner[1]} -- {name}")
    builder.write(path, f"{there}{line}", mode=0o600, owner=owner)
