"""Starts child processes that die with this one, even when it is killed with SIGKILL."""

from __future__ import annotations

import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from amigate.sandbox.images import tools

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from typing import Self


class Nursery:
    """A thread that starts children and outlives them.

    The kernel sends a child its parent-death signal when the thread that made it ends (prctl(2),
    PR_SET_PDEATHSIG), so children come from one thread that lasts as long as the sandbox."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="nursery")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.shutdown()

    def start(self, command: Sequence[str], output: Path) -> subprocess.Popen[bytes]:
        """Start a program whose output goes to a file; its own session keeps Ctrl-C from it."""
        return self._thread.submit(_start, command, output).result()


def _start(command: Sequence[str], output: Path) -> subprocess.Popen[bytes]:
    with output.open("ab") as log:
        return subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "--no-new-privs", *_without_capabilities(), "--", *command],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={**os.environ, "PATH": tools.search_path()},
        )


def _without_capabilities() -> list[str]:
    """Make root's child an ordinary process that happens to own root's files."""
    return ["--inh-caps=-all", "--bounding-set=-all"] if os.geteuid() == 0 else []
