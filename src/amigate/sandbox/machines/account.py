"""Whom QEMU runs as: the caller, or, when that is root, a user id that nobody else has."""

from __future__ import annotations

import logging
import os
import secrets
import stat
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from amigate.sandbox.images import tools

if TYPE_CHECKING:
    from amigate.sandbox.machines.accelerator import Accelerator

_log = logging.getLogger(__name__)

# Ids that no distribution hands out: https://systemd.io/UIDS-GIDS/. The second lies in user namespaces of 65536 ids.
_POOLS = (range(0x70000000, 0x7FFFFFFF), range(65520, 65534))
_KVM = Path("/dev/kvm")
_PROBE = "import sys\nfor path in sys.argv[1:]: open(path, 'r+b', buffering=0).close()"
_PROBE_TIMEOUT_S = 20


@dataclass(frozen=True, kw_only=True)
class Account:
    """One user id with its group; or the caller's own."""

    uid: int | None
    """None for the caller's own."""
    groups: tuple[int, ...] = ()
    """Further groups."""
    python: str = sys.executable
    """A Python that the account can run."""

    def options(self) -> list[str]:
        """Arguments of setpriv(1) that become this account; root keeps no capability in either case."""
        without = tools.without_capabilities()
        if self.uid is None:
            return without
        groups = [f"--groups={','.join(map(str, self.groups))}"] if self.groups else ["--clear-groups"]
        return [f"--reuid={self.uid}", f"--regid={self.uid}", *groups, *without]

    def own(self, path: Path) -> None:
        """Give a file or a folder to the account."""
        if self.uid is not None:
            os.chown(path, self.uid, self.uid, follow_symlinks=False)


class Accounts:
    """Gives each machine an account of its own."""

    def __init__(self, accelerator: Accelerator) -> None:
        self._model = Account(uid=None) if os.geteuid() != 0 else _probed(accelerator)

    def new(self) -> Account:
        """Return an account that nobody has yet; the caller's own where there can be no other."""
        model = self._model
        return model if model.uid is None else Account(uid=_free_id(), groups=model.groups, python=model.python)


def _probed(accelerator: Accelerator) -> Account:
    """Return an account under which a trial succeeds, else root's own, with the reason logged."""
    try:
        return _trial(accelerator)
    except OSError as error:
        _log.warning("QEMU runs as root, without capabilities, because no other user can be used: %s", error)
        return Account(uid=None)


def _trial(accelerator: Accelerator) -> Account:
    """Find what Python and which groups an unprivileged account needs; raises OSError if there is no way."""
    devices, groups = ([str(_KVM)], _kvm_groups()) if accelerator.name == "kvm" else ([], ())
    refusals = []
    for python in dict.fromkeys((sys.executable, "/usr/bin/python3", "/usr/local/bin/python3")):
        account = Account(uid=_free_id(), groups=groups, python=python)
        refusal = _refusal(account, [python, "-I", "-S", "-c", _PROBE, *devices])
        if not refusal:
            if refusal := _refusal(account, ["qemu-system-x86_64", "--version"]):
                raise OSError(refusal)
            return account
        refusals.append(refusal)
    raise OSError("; ".join(refusals))


def _refusal(account: Account, command: list[str]) -> str:
    """Return why a program does not run under an account; empty if it does.

    Through env(1), which has no capability any more: setpriv itself still has some when it executes."""
    try:
        done = subprocess.run(
            ["setpriv", "--no-new-privs", *account.options(), "--", "env", "--", *command],
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_PROBE_TIMEOUT_S,
            cwd="/",
            env={"PATH": tools.search_path()},
        )
    except subprocess.TimeoutExpired:
        return f"{command[0]} does not end"
    last = (done.stderr.decode(errors="replace").strip().splitlines() or ["no reason given"])[-1]
    return "" if done.returncode == 0 else f"{command[0]}: {last}"


def _kvm_groups() -> tuple[int, ...]:
    """Return the group that may use KVM, unless everybody may or it is root's."""
    found = _KVM.stat()
    everybody = found.st_mode & stat.S_IROTH and found.st_mode & stat.S_IWOTH
    return () if everybody or found.st_gid == 0 else (found.st_gid,)


def _free_id() -> int:
    """Return an id out of the first pool that this user namespace has; raises OSError if it has none."""
    mapped = [_ids(line) for line in Path("/proc/self/uid_map").read_text().splitlines()]
    groups = [_ids(line) for line in Path("/proc/self/gid_map").read_text().splitlines()]
    for pool in _POOLS:
        if all(any(pool[0] in ids and pool[-1] in ids for ids in kind) for kind in (mapped, groups)):
            return secrets.choice(pool)
    raise OSError("this user namespace has no ids to spare")


def _ids(line: str) -> range:
    first, _, count = map(int, line.split())
    return range(first, first + count)
