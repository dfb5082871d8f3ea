"""The folder in which commands of pages are run: an image with two secrets, and what amigate says of it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from amigate.sandbox.images import gpt

from ..contract.disk.images import HOST, REMOVED  # noqa: TID252 - tests are no package
from ..corpus.trees import sound  # noqa: TID252 - tests are no package
from .place import Place

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).parents[2]
MIB = 1 << 20
SECTORS = 24 * MIB // 512
PARTITION = gpt.Partition(kind=gpt.ROOT_X86_64, uuid=UUID(int=1), first=2048, last=SECTORS - 2049, name="root")


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with what pages talk about."""
    folder = tmp_path_factory.mktemp("prepared")
    (folder / "home").mkdir()
    _image(folder)
    shutil.copytree(ROOT / "examples" / "own-checks", folder, dirs_exist_ok=True)
    shipped = (ROOT / "profiles" / "aws-shared.yaml").read_text(encoding="utf-8")
    (folder / "next-year.yaml").write_text(shipped.replace("name: aws-shared", "name: next-year"), encoding="utf-8")
    made = Place(folder).run(
        "amigate validate golden.qcow2 --save-evidence golden.evidence --report json=report.json --report console"
    )
    assert made.returncode == 1, made.stdout
    for name in ("monday.json", "tuesday.json"):
        shutil.copy(folder / "report.json", folder / name)
    return folder


@pytest.fixture
def place(prepared: Path, tmp_path: Path) -> Place:
    """Return a copy of it."""
    shutil.copytree(prepared, tmp_path, symlinks=True, dirs_exist_ok=True)
    return Place(tmp_path)


def _image(folder: Path) -> None:
    """Make golden.qcow2, a sound image but for a host key, and a user's key that was removed and lies there still."""
    tree = sound(folder / "rootfs")
    tree.write("/etc/ssh/ssh_host_ed25519_key", HOST.private, 0o600)
    tree.write("/root/old", REMOVED.private, 0o600)
    disk, start = folder / "golden.raw", PARTITION.first * 512
    with disk.open("wb+") as file:
        file.truncate(SECTORS * 512)
        gpt.write(file, {1: PARTITION}, sectors=SECTORS, uuid=UUID(int=3))
    size = f"{(PARTITION.last - PARTITION.first + 1) // 2}k"
    known = f"offset={start},hash_seed={UUID(int=4)},root_owner=0:0"
    _must(["mke2fs", "-q", "-t", "ext4", "-U", str(UUID(int=5)), "-E", known, "-d", tree.root, disk, size])
    _must(["debugfs", "-w", "-R", "rm /root/old", f"{disk}?offset={start}"])
    _must(["qemu-img", "convert", "-O", "qcow2", disk, folder / "golden.qcow2"])
    disk.unlink()
    tree.remove("/root/old")


def _must(command: Sequence[str | Path]) -> None:
    subprocess.run(command, check=True, capture_output=True)
