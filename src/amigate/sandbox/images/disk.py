"""From a root file system in a folder to a bootable disk."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID, uuid5

from amigate.sandbox.images import gpt, grub, tools

if TYPE_CHECKING:
    from pathlib import Path

    from amigate.sandbox.images.tree import Tree

_SECTORS_PER_MIB = 2048
_NAMESPACE = UUID("6f0b7a2e-53c4-4d0c-9d52-1f7c1a5f0a11")


def partition_uuid(digest: str) -> UUID:
    """Return the UUID of the root partition; the same image gives the same one."""
    return uuid5(_NAMESPACE, f"{digest}/root")


def make(tree: Tree, out: Path, *, digest: str, size_mib: int) -> None:
    """Write a raw disk: GPT, GRUB, and the tree as ext4."""
    sectors = size_mib * _SECTORS_PER_MIB
    boot = gpt.Partition(
        kind=gpt.BIOS_BOOT, uuid=uuid5(_NAMESPACE, f"{digest}/bios"), first=2048, last=8191, name="bios"
    )
    root = gpt.Partition(
        kind=gpt.ROOT_X86_64,
        uuid=partition_uuid(digest),
        first=262144,
        last=sectors - 2049,
        name="root",
    )
    with out.open("w+b") as disk:
        disk.truncate(sectors * gpt.SECTOR)
        gpt.write(disk, {1: root, 14: boot}, sectors=sectors, uuid=uuid5(_NAMESPACE, f"{digest}/disk"))
        grub.install(disk, boot, root_number=1)
    _file_system(tree, out, root, digest)


def _file_system(tree: Tree, out: Path, root: gpt.Partition, digest: str) -> None:
    # GRUB 2.06 cannot read what the left-out features mean.
    options = f"offset={root.offset_bytes},lazy_itable_init=1,nodiscard"
    features = "^orphan_file,^metadata_csum_seed"
    uuid = str(uuid5(_NAMESPACE, f"{digest}/fs"))
    place = ["-d", str(tree.root), str(out), f"{root.size_bytes // 1024}k"]
    tools.run(
        [
            "mke2fs",
            "-q",
            "-F",
            "-t",
            "ext4",
            "-m",
            "1",
            "-L",
            "root",
            "-U",
            uuid,
            "-O",
            features,
            "-E",
            options,
            *place,
        ],
    )
