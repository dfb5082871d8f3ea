"""Starts child processes that die with this one, even when it is killed with SIGKILL."""

from __future__ import annotations

import subprocess
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from amigate.sandbox.images import tools
from amigate.sandbox.machines.quarters import LOG

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from typing import Self

    from amigate.sandbox.machines.account import Account, Accounts


class Nursery:
    """A thread that starts children and outlives them.

    The kernel sends a child its parent-death signal when the thread that made it ends (prctl(2),
    PR_SET_PDEATHSIG), so children come from one thread that lasts as long as the sandbox."""

    def __init__(self, accounts: Accounts) -> None:
        self.accounts = accounts
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="nursery")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.shutdown()

    def start(self, command: Sequence[str], folder: Path, account: Account) -> subprocess.Popen[bytes]:
        """Start a program in a folder, with its output in a file there; its own session keeps Ctrl-C from it."""
        return self._thread.submit(_start, command, folder, account).result()


def _start(command: Sequence[str], folder: Path, account: Account) -> subprocess.Popen[bytes]:
    with (folder / LOG).open("ab") as log:
        return subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "--no-new-privs", *account.options(), "--", *command],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            # Nothing else of ours: there may be credentials in the environment.
            env={"PATH": tools.search_path(), "LC_ALL": "C.UTF-8"},
        )
