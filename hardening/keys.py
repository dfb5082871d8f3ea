"""The step `keys`."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from amigate.errors import HardenError
from amigate.evidence.script import quote
from amigate.facts import accounts
from amigate.harden.key_files import accounts_of, default_file, key_files
from amigate.harden.sshd_server import CONFIG
from amigate.harden.step import step

if TYPE_CHECKING:
    from amigate.evidence.model import Entry
    from amigate.harden.builder import Builder


@step(
    "keys",
    meets=[
        "boot-earlier-launch-key-absent",
        "boot-host-keys-unique-per-launch",
        "key-live-only-launch-key",
        "key-no-authorized-keys-at-rest",
        "key-no-builder-signature-keys",
        "key-no-host-keys-at-rest",
        "key-no-user-private-keys",
    ],
)
def keys(builder: Builder) -> None:
    """No key opens the machine but the one that is logged in now; the seal removes that too, and the host keys.

    A key that ships with an image opens every machine made from it, and a host key that ships with it lets
    anybody pose as any of them."""
    builder.at_seal("keys.seal.sh.j2")
    if not builder.machine.key:
        raise HardenError("which key is logged in is not known, so the others cannot be told from it")
    view = builder.look(accounts.NEEDS, CONFIG)
    user = next((one for one in accounts_of(view).all if one.name == builder.machine.user), None)
    if user is None:
        builder.note(f"{builder.machine.user} is not in passwd: no key is kept for it")
    home_file = default_file(user) if user else ""
    files = key_files(builder, view)
    kept = _lines_with(builder.machine.key, files, first=home_file)
    if user and kept:
        if home_file not in files:
            _ensure_folder(builder, home_file, (user.uid, user.gid))
        builder.write(home_file, kept, mode=0o600, owner=(user.uid, user.gid))
    for path, entry in files.items():
        if (path != home_file or not kept) and _holds_lines(entry):
            builder.remove(path)
    builder.prove_login()


def _lines_with(key: str, files: dict[str, Entry], first: str) -> str:
    """Return the line with `key`, options and all, from the file `first` if it is there, else from any other.

    Other files may hold it behind a command that is forced on it, as cloud-init does for root."""
    for path in sorted(files, key=lambda path: path != first):
        for line in _text(files[path]).splitlines():
            if key in line.split() and not line.lstrip().startswith("#"):
                return f"{line.strip()}\n"
    return ""


def _ensure_folder(builder: Builder, path: str, owner: tuple[int, int]) -> None:
    folder = posixpath.dirname(path)
    if builder.entry(folder) is None:
        name = quote(folder)
        builder.run(f"make {folder}", f"mkdir -m 700 -- {name} && chown {owner[0]}:{owner[1]} -- {name}")


def _holds_lines(entry: Entry) -> bool:
    lines = (line.strip() for line in _text(entry).splitlines())
    return any(line and not line.startswith("#") for line in lines)


def _text(entry: Entry) -> str:
    return (entry.content or b"").decode("utf-8", "surrogateescape")
