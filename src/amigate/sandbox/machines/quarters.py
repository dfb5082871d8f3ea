"""The folder of one machine: what QEMU finds there under its account, and what only we can change.

The folder belongs to us and QEMU starts inside it, so that it needs no way through the folders above, and can
replace none of the names that we read later."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from amigate.sandbox.images import tools
from amigate.sandbox.machines import relay

if TYPE_CHECKING:
    from amigate.sandbox.machines.account import Account

QMP = Path("control") / "qmp"
"""QEMU makes this socket itself, so its folder is the account's."""
CONSOLE = Path("console")
IMDS = Path("imds")
ARCHIVE = Path("archive")
LOG = Path("qemu.log")
RELAY = Path("relay.py")


def furnish(folder: Path, account: Account) -> None:
    """Make the folder and what is in it before any disk."""
    folder.mkdir()
    folder.chmod(0o711)
    control = folder / QMP.parent
    control.mkdir(mode=0o700)
    account.own(control)
    (folder / CONSOLE).touch(mode=0o600)
    account.own(folder / CONSOLE)
    # The installed one may lie where the account cannot go.
    shutil.copyfile(relay.__file__, folder / RELAY)
    (folder / RELAY).chmod(0o444)


def keep(backing: Path, own: Path) -> Path:
    """Give a disk that is only read a second name in the machine's folder, and return where it is.

    So deleting the snapshot leaves the instance whole. Where the file cannot be linked, root makes a copy, once for
    all machines, because the account cannot reach the file; anybody else takes it where it is: it is the user's, which
    the sandbox never deletes."""
    is_root = os.geteuid() == 0
    try:
        os.link(backing, own)
    except OSError:
        if not is_root:
            return backing
    else:
        if not is_root or own.stat().st_mode & 0o004:
            return own
        own.unlink()
    os.link(_copied(backing, own.parent.parent), own)
    return own


def _copied(disk: Path, place: Path) -> Path:
    """Return a copy that everybody may read who can reach it."""
    found = disk.stat()
    copy = place / f"copy-{found.st_dev:x}-{found.st_ino:x}-{found.st_mtime_ns:x}.qcow2"
    if not copy.exists():
        unfinished = copy.with_suffix(f".{os.urandom(4).hex()}")
        try:
            tools.run(["cp", "--reflink=auto", "--sparse=always", str(disk), str(unfinished)])
            unfinished.chmod(0o444)
            unfinished.rename(copy)
        finally:
            unfinished.unlink(missing_ok=True)
    return copy
