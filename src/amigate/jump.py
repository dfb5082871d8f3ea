"""Logging in to a jump host as `ssh -J` would: its configuration, its keys, its known hosts."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from amigate.errors import ConnectionFailedError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from amigate.sources.tunnel import JumpHost

_FORM = re.compile(
    r"(?:ssh://)?(?:(?P<user>[^@\s,-][^@\s,]*)@)?(?P<host>\[[0-9A-Fa-f:.]+\]|[^@:/,\s\[\]-][^@:/,\s\[\]]*)(?::(?P<port>\d{1,5}))?"
)


@dataclass(frozen=True, kw_only=True)
class Jump:
    """Where to jump from, and the key for it."""

    host: str
    """A name, an address, or a Host of the ssh configuration."""
    user: str = ""
    """Empty: as the ssh configuration says, else the local user."""
    port: int | None = None
    identity: Path | None = None
    """The key file to use, and no other; None: the agent's keys and those of the ssh configuration."""

    @classmethod
    def parse(cls, text: str, identity: Path | None = None) -> Jump:
        """Read `[USER@]HOST[:PORT]`; raise UsageError for anything else, several hosts in a row among it."""
        found = _FORM.fullmatch(text)
        port = int(found["port"]) if found and found["port"] else None
        if found is None or (port is not None and not 0 < port < 2**16):
            raise UsageError(
                f"{text!r} is no jump host",
                hint="--ssh-jump takes one USER@HOST or USER@HOST:PORT; more than one jump goes into ~/.ssh/config",
            )
        return cls(host=found["host"].strip("[]"), user=found["user"] or "", port=port, identity=identity)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return (f"{self.user}@" if self.user else "") + host + (f":{self.port}" if self.port else "")


@contextmanager
def jump_host(jump: Jump) -> Iterator[JumpHost]:
    """Give a login on the jump host; before anything is launched, so that nothing is paid for in vain.

    Raises UsageError for a key file that cannot be used, ConnectionFailedError when nobody gets in."""
    from amigate.harden.ssh import Address  # noqa: PLC0415 - fabric is slow to import
    from amigate.harden.ssh_login import open_connection  # noqa: PLC0415
    from amigate.sources.tunnel import JumpHost  # noqa: PLC0415

    if jump.identity is not None and not jump.identity.is_file():
        raise UsageError(f"there is no key file {jump.identity}", hint="name another with --ssh-jump-identity")
    address = Address(host=jump.host, user=jump.user, port=jump.port, identity=jump.identity)
    try:
        connection, _ = open_connection(address, lambda _: None)
    except ConnectionFailedError as error:
        raise ConnectionFailedError(
            f"the jump host cannot be used: {error}",
            hint=f"`ssh {f'-p {jump.port} ' if jump.port else ''}{replace(jump, port=None)}` has to work without a "
            "question asked; the key comes from the agent, ~/.ssh or --ssh-jump-identity",
        ) from error
    host = JumpHost(connection, str(jump))
    try:
        yield host
    finally:
        host.close()
