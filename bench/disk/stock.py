"""A disk like that of a stock machine image: GPT, one ext4 partition, a Debian tree, a gigabyte of files."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
from pathlib import Path

from amigate.sandbox.images import cache

MIB = 1 << 20
WRITTEN_BYTES = 1 << 30
MOST_FILE_BYTES = 48 * MIB
PARTITION_MIB = 2000
KEPT_OUT = ("dev/", "proc/", "sys/")


def make(folder: Path) -> Path:
    """Return a new disk in `folder`; needs mke2fs(8), sfdisk(8) and fakeroot(1), and the base that the sandbox made."""
    tree = folder / "tree"
    left = WRITTEN_BYTES - _unpack(tree)
    for at, folders, names in os.walk("/usr"):
        folders.sort()
        for name in sorted(names):
            source = Path(at, name)
            target = tree / source.relative_to("/")
            if source.is_symlink() or target.exists() or source.stat().st_size > min(left, MOST_FILE_BYTES):
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
            left -= source.stat().st_size
    disk, root = folder / "disk", folder / "root"
    (tree / "etc/fstab").write_text("LABEL=root / ext4 defaults 0 1\n", "ascii")
    subprocess.run(["mke2fs", "-q", "-t", "ext4", "-L", "root", "-d", tree, root, f"{PARTITION_MIB}M"], check=True)
    with disk.open("wb") as file:
        file.truncate((PARTITION_MIB + 2) * MIB)
    table = f"label: gpt\nstart=2048,size={PARTITION_MIB}M\n"
    subprocess.run(["sfdisk", "-q", disk], input=table, text=True, check=True)
    copy = ("dd", f"if={root}", f"of={disk}", "bs=1M", "seek=1", "conv=sparse,notrunc", "status=none")
    subprocess.run(copy, check=True)
    root.unlink()
    shutil.rmtree(tree)
    return disk


def _unpack(tree: Path) -> int:
    """Unpack the sandbox's base, which `make demo` leaves in its cache; return how many bytes its files have."""
    tars = sorted(cache.folder("base").glob("*.tar"))
    if not tars:
        raise SystemExit("there is no base in the sandbox's cache; run `make demo` first")
    with tarfile.open(tars[0]) as base:
        members = [each for each in base if not each.isdev() and not each.name.removeprefix("./").startswith(KEPT_OUT)]
        base.extractall(tree, members, filter="fully_trusted")  # noqa: S202 - the sandbox made it
    return sum(each.size for each in members if each.isfile())
