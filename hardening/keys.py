"""The step `keys`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amigate.harden.key_files import accounts_of, default_file
from amigate.harden.key_sources import NEEDS, close_key_sources, login_line, text_of
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
    needs_seal=True,
)
def keys(builder: Builder) -> None:
    """No key opens the machine but the one that is logged in; the seal removes that too, and the host keys.

    A key that ships with an image opens every machine made from it, and a host key that ships with it lets
    anybody pose as any of them."""
    builder.at_seal("keys.seal.sh.j2")
    files = close_key_sources(builder)
    users = accounts_of(builder.look(*NEEDS)).all
    user = next((one for one in users if one.name == builder.machine.user), None)
    kept = ""
    if user is None:
        builder.note(f"{builder.machine.user} is not in passwd: no file of its keys is kept")
    else:
        kept = default_file(user)
        if line := login_line(builder, files, kept):
            builder.write(kept, line, mode=0o600, owner=(user.uid, user.gid))
        else:
            builder.note("the key that is logged in is in no file")
            kept = ""
    for path, entry in files.items():
        if path != kept and _holds_lines(entry):
            builder.remove(path)
    builder.prove_login()


def _holds_lines(entry: Entry) -> bool:
    lines = (line.strip() for line in text_of(entry).splitlines())
    return any(line and not line.startswith("#") for line in lines)
