"""A folder in which commands of pages are run."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

Done = subprocess.CompletedProcess[str]


@dataclass(frozen=True)
class Place:
    """A folder, with a home that is empty and no AWS account."""

    folder: Path
    _known: ClassVar[dict[tuple[str, str], Done]] = {}
    """What commands said that changed nothing, by the folder's state: several pages begin with the same one."""

    def run(self, command: str) -> Done:
        """Run a line of a shell; standard error stands in its output, as on a terminal."""
        before = self._state()
        if (before, command) not in self._known:
            done = self._run(command)
            if self._state() != before:
                return done
            self._known[before, command] = done
        return self._known[before, command]

    def _run(self, command: str) -> Done:
        return subprocess.run(
            ["bash", "-o", "pipefail", "-c", command],
            cwd=self.folder,
            env=self._environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=300,
        )

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "AMIGATE_", "XDG_"))}
        return {
            **kept,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(self.folder / "home"),
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "GITHUB_STEP_SUMMARY": str(self.folder / "summary.md"),
        }

    def _state(self) -> str:
        """Return a digest of every file's name and content."""
        files = sorted(path for path in self.folder.rglob("*") if path.is_file() and not path.is_symlink())
        each = [f"{path.relative_to(self.folder)} {hashlib.sha256(path.read_bytes()).hexdigest()}" for path in files]
        return hashlib.sha256("\n".join(each).encode()).hexdigest()
