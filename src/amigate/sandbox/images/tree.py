"""A root file system laid out in a folder, edited before it becomes a disk.

Runs as root or under fakeroot, so owners are those of the image."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_SHADOW_TAIL = "20000:0:99999:7:::"


@dataclass(frozen=True)
class Tree:
    """The folder that holds the root file system."""

    root: Path

    def path(self, name: str) -> Path:
        """Return the place in the folder of an absolute path of the image."""
        return self.root / name.lstrip("/")

    def write(self, name: str, text: str, *, mode: int = 0o644, owner: int = 0) -> None:
        """Make or replace a file; folders on the way belong to root."""
        path = self.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.write_text(text)
        path.chmod(mode)
        os.chown(path, owner, owner)

    def append(self, name: str, text: str, *, mode: int = 0o644, owner: int = 0) -> None:
        """Add to the end of a file, made when it is missing."""
        path = self.path(name)
        before = path.read_text() if path.exists() else ""
        self.write(name, before + text, mode=mode, owner=owner)

    def link(self, name: str, target: str) -> None:
        """Make a symbolic link, instead of what was there."""
        path = self.path(name)
        path.unlink(missing_ok=True)
        path.symlink_to(target)

    def folder(self, name: str, *, mode: int = 0o755, owner: int = 0) -> None:
        """Make a folder with the mode and owner given."""
        path = self.path(name)
        path.mkdir(parents=True, exist_ok=True)
        path.chmod(mode)
        os.chown(path, owner, owner)

    def remove(self, *patterns: str) -> None:
        """Remove what the patterns match: files, links, and folders with their content."""
        for pattern in patterns:
            for path in self.root.glob(pattern.lstrip("/")):
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path)
                else:
                    path.unlink()

    def user(self, name: str, *, uid: int, home: str, password: str = "!") -> None:  # noqa: S107 - the lock of shadow(5)
        """Add a login account with its group and home, unless it is there.

        `password` is field 2 of shadow(5)."""
        if any(line.startswith(f"{name}:") for line in self._lines("/etc/passwd")):
            return
        for file in ("/etc/passwd", "/etc/passwd-"):
            self._add(file, f"{name}:x:{uid}:{uid}::{home}:/bin/bash")
        for file in ("/etc/group", "/etc/group-"):
            self._add(file, f"{name}:x:{uid}:")
        self._add("/etc/shadow", f"{name}:{password}:{_SHADOW_TAIL}")
        self._add("/etc/gshadow", f"{name}:!::")
        self.folder(home, mode=0o755, owner=uid)

    def password(self, name: str, field: str) -> None:
        """Set field 2 of an account's line in shadow(5)."""
        lines = [line.split(":") for line in self._lines("/etc/shadow")]
        changed = [":".join([who, field if who == name else old, *rest]) for who, old, *rest in lines]
        self._rewrite("/etc/shadow", changed)

    def authorize(self, key: str, *, file: str, uid: int) -> None:
        """Add a public key to a key file, whose folder becomes private to the user."""
        self.folder(file.rpartition("/")[0], mode=0o700, owner=uid)
        self.append(file, f"{key}\n", mode=0o600, owner=uid)

    def _lines(self, name: str) -> list[str]:
        path = self.path(name)
        return path.read_text().splitlines() if path.exists() else []

    def _add(self, name: str, line: str) -> None:
        if self.path(name).exists():
            self._rewrite(name, [*self._lines(name), line])

    def _rewrite(self, name: str, lines: list[str]) -> None:
        """Write in place, so that mode and owner stay."""
        self.path(name).write_text("".join(f"{line}\n" for line in lines))
