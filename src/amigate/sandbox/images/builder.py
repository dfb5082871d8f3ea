"""Build an image once, by the digest of all that it depends on."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from amigate.sandbox.images import archive, base, cache, choice, imported, tools
from amigate.sandbox.images.recipes import RECIPES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_LEAVES_DISKS_ALONE = (
    "__init__.py",
    "builder.py",
    "cache.py",
    "choice.py",
    "imported.py",
    "importing.py",
    "qcow2.py",
    "tools.py",
)
"""Modules of this package whose code leaves no trace in an image."""
_PROGRAMS = ("dpkg-deb", "fakeroot", "gpg", "grub-mkimage", "mke2fs", "qemu-img", "tar")


def _silent(_: str) -> None:
    """Report nothing."""


def build(name: str, *, defects: Sequence[str] = (), progress: Callable[[str], None] = _silent) -> Path:
    """Return the qcow2 file of an image with defects, from the cache or built now; treat it as read-only.

    `name` may also be that of an imported image, which is as it is. The order of the defects makes no difference.
    `progress` is told what takes time.
    Raises UsageError for an unknown name, SandboxError when the host cannot build."""
    wanted = sorted(set(defects))
    choice.check(name, wanted)
    if name not in RECIPES:
        return imported.find(name).path
    path = _path(name, wanted)
    if not _is_ready(name, path):
        with cache.one_builder(path):
            if not _is_ready(name, path):
                cache.prune()
                _make(name, path, wanted, progress)
    cache.touch(path)
    return path


def digest(name: str, defects: Sequence[str]) -> str:
    """Return what changes with the packages, the files of the guest, the defects and the code that makes disks."""
    recipe = RECIPES[name]
    code = [path for path in cache.PACKAGE.rglob("*.py") if path.name not in _LEAVES_DISKS_ALONE]
    guest = [path for folder in recipe.guest_folders for path in (cache.GUEST_FILES / folder).iterdir()]
    parts: list[str | bytes] = [name, base.recipe(recipe.packages), *sorted(set(defects)), archive.key()]
    return cache.digest(parts, sources=[*code, *guest])


def _path(name: str, defects: Sequence[str]) -> Path:
    title = "+".join([name, *defects])
    if len(title) > 150:  # noqa: PLR2004 - file names end at 255 bytes
        title = f"{name}+{len(defects)}-defects"
    return cache.folder("images") / f"{title}-{digest(name, defects)}.qcow2"


def _is_ready(name: str, path: Path) -> bool:
    """Whether the image is there, and the archive that it asks."""
    return path.exists() and (archive.folder() / base.path(RECIPES[name].packages).stem).exists()


def _make(name: str, path: Path, defects: Sequence[str], progress: Callable[[str], None]) -> None:
    tools.require(_PROGRAMS)
    tar = base.tar(RECIPES[name].packages, progress)
    archive.make(tar, base.SUITE)
    progress(f"building {path.stem.rpartition('-')[0]}")
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".building-") as folder:
        raw, ready = Path(folder) / "disk.raw", Path(folder) / "disk.qcow2"
        tools.run(_assemble(name, tar, raw, path.stem.rpartition("-")[2], defects))
        tools.run(["qemu-img", "convert", "-f", "raw", "-O", "qcow2", str(raw), str(ready)])
        ready.chmod(0o444)
        ready.rename(path)


def _assemble(name: str, tar: Path, raw: Path, code: str, defects: Sequence[str]) -> list[str]:
    """Owners of files in the image are root's and users': root can set them, anybody else under fakeroot."""
    wrapper = [] if os.geteuid() == 0 else ["fakeroot", "--"]
    program = [sys.executable, "-m", "amigate.sandbox.images.assemble"]
    chosen = [f"--defect={defect}" for defect in defects]
    return [*wrapper, *program, f"--image={name}", f"--base={tar}", f"--out={raw}", f"--digest={code}", *chosen]
