"""Programs of the host that the sandbox needs, and how to get them."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from amigate.errors import SandboxError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

PACKAGES = {
    "dpkg-deb": "dpkg",
    "fakeroot": "fakeroot",
    "gpg": "gpg gpg-agent",
    "grub-mkimage": "grub-common grub-pc-bin",
    "mke2fs": "e2fsprogs",
    "mmdebstrap": "mmdebstrap",
    "prlimit": "util-linux",
    "qemu-img": "qemu-utils",
    "qemu-system-x86_64": "qemu-system-x86",
    "setpriv": "util-linux",
    "tar": "tar",
}
"""Program to the Debian or Ubuntu package that holds it."""

_SBIN = "/usr/local/sbin:/usr/sbin:/sbin"
_TAIL_LINES = 8


def search_path() -> str:
    """PATH with the sbin folders, which an ordinary user's PATH may lack."""
    return f"{os.environ.get('PATH', os.defpath)}:{_SBIN}"


def require(programs: Iterable[str]) -> None:
    """Raise SandboxError naming the packages of all programs that are missing."""
    missing = [program for program in programs if shutil.which(program, path=search_path()) is None]
    if missing:
        packages = sorted({package for program in missing for package in PACKAGES[program].split()})
        raise SandboxError(
            f"the sandbox needs {', '.join(missing)}, which this machine lacks",
            hint=f"install with: sudo apt-get install {' '.join(packages)}",
        )


def grub_folder() -> Path:
    """GRUB's modules for a BIOS machine."""
    path = Path("/usr/lib/grub/i386-pc")
    if not (path / "boot.img").exists():
        raise SandboxError(
            "GRUB's files for BIOS machines are missing", hint="install with: sudo apt-get install grub-pc-bin"
        )
    return path


def without_capabilities() -> list[str]:
    """Return setpriv's arguments that make root's child an ordinary process that happens to own root's files."""
    return ["--inh-caps=-all", "--bounding-set=-all"] if os.geteuid() == 0 else []


def run(
    command: Sequence[str],
    *,
    hint: str = "",
    env: Mapping[str, str] | None = None,
    timeout_s: float | None = None,
    pass_fds: Sequence[int] = (),
) -> str:
    """Run a program to its end and return what it printed; SandboxError with its last lines if it fails."""
    try:
        done = subprocess.run(
            list(command),
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env={**os.environ, "PATH": search_path(), "LC_ALL": "C.UTF-8", **(env or {})},
            timeout=timeout_s,
            pass_fds=tuple(pass_fds),
        )
    except subprocess.TimeoutExpired as error:
        raise SandboxError(f"{command[0]} took longer than {timeout_s:.0f} s", hint=hint) from error
    if done.returncode != 0:
        tail = "\n".join(done.stdout.strip().splitlines()[-_TAIL_LINES:])
        raise SandboxError(f"{command[0]} ended with code {done.returncode}:\n{tail}", hint=hint)
    return done.stdout
