"""A terminal as somebody has it who follows a page: one shell, to which lines are typed."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from types import TracebackType

_END = "end of the output of the command, code"


class Terminal:
    """Runs lines in one bash, so that what a line sets holds for the next."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._shell = subprocess.Popen(
            ["bash", "--noprofile", "--norc"],
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """End the shell, and with Ctrl-C what runs in it."""
        for number in (signal.SIGINT, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._shell.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._shell.communicate("exit\n", timeout=60)
                return

    def run(self, line: str) -> tuple[str, int]:
        """Type a line; return what it prints, and its exit code."""
        output = self.until(f"{line}\nprintf '\\n%s %d\\n' '{_END}' $?\n", _END)
        said, _, code = output.rpartition(f"\n{_END} ")
        return said, int(code)

    def until(self, text: str, end: str) -> str:
        """Type `text`; return what is printed up to the line that begins with `end`, which it includes."""
        assert self._shell.stdin is not None
        assert self._shell.stdout is not None
        self._shell.stdin.write(text)
        self._shell.stdin.flush()
        lines = []
        for line in self._shell.stdout:
            lines.append(line)
            if line.startswith(end):
                return "".join(lines)
        raise AssertionError(f"the shell ended: {''.join(lines)}")
