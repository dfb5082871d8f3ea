"""The root file system that an image starts from: Debian, made once by mmdebstrap and kept as a tar."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from amigate.sandbox.images import cache, tools

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SUITE = "bookworm"
_LEFT_OUT = ("/usr/share/man/*", "/usr/share/doc/*", "/usr/share/locale/*", "/usr/share/info/*")
_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_HINT = "Debian's mirror must be reachable; as an ordinary user, install uidmap and have a line in /etc/subuid"


def recipe(packages: Sequence[str], suite: str = SUITE) -> str:
    """Return what the content of the tar depends on; the archive's own state aside."""
    return "\n".join((suite, *packages, *_LEFT_OUT))


def path(packages: Sequence[str], suite: str = SUITE) -> Path:
    """Return where the tar is, or will be."""
    return cache.folder("base") / f"{suite}-{cache.digest([recipe(packages, suite)])}.tar"


def tar(packages: Sequence[str], progress: Callable[[str], None], suite: str = SUITE) -> Path:
    """Return a root file system with packages as a tar, from the cache or made now (a minute or two)."""
    made = path(packages, suite)
    with cache.one_builder(made):
        if not made.exists():
            progress(f"installing Debian {suite} with {len(packages)} packages (once; a minute or two)")
            _bootstrap(packages, suite, made)
    return made


def _bootstrap(packages: Sequence[str], suite: str, path: Path) -> None:
    tools.require(["mmdebstrap"])
    unfinished = path.with_suffix(f".{os.getpid()}.partial")
    try:
        tools.run(_command(packages, suite, unfinished), hint=_hint(), env={"INITRD": "No"})
        unfinished.rename(path)
    finally:
        unfinished.unlink(missing_ok=True)


def _hint() -> str:
    if _KEYRING.exists():
        return _HINT
    return "install Debian's keys with: sudo apt-get install debian-archive-keyring"


def _command(packages: Sequence[str], suite: str, out: Path) -> list[str]:
    """mmdebstrap, taking .deb files from the cache and giving new ones back to it."""
    debs = cache.folder("debs")
    return [
        "mmdebstrap",
        "--mode=auto",
        "--format=tar",
        "--variant=minbase",
        f"--include={','.join(packages)}",
        "--skip=download/empty",
        "--skip=essential/unlink",
        '--setup-hook=mkdir -p "$1"/var/cache/apt/archives/',
        f"--setup-hook=sync-in '{debs}' /var/cache/apt/archives/",
        f"--customize-hook=sync-out /var/cache/apt/archives '{debs}'",
        *(f"--dpkgopt=path-exclude={pattern}" for pattern in _LEFT_OUT),
        suite,
        str(out),
    ]
