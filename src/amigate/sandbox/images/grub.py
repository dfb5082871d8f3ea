"""GRUB for BIOS, installed into a disk file without grub-install.

Offsets are those of grub-core/boot/i386/pc/boot.S and diskboot.S, which grub-setup patches in the same way."""

from __future__ import annotations

import struct
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from amigate.errors import SandboxError
from amigate.sandbox.images import tools
from amigate.sandbox.images.gpt import SECTOR

if TYPE_CHECKING:
    from typing import BinaryIO

    from amigate.sandbox.images.gpt import Partition

_MODULES = (
    *("biosdisk", "part_gpt", "ext2", "linux16", "normal", "serial", "terminal"),
    *("search", "search_fs_uuid", "search_label", "test", "echo"),
)
_BLOCK_LIST = SECTOR - 12
_LOAD_SEGMENT = 0x820
_KERNEL_SECTOR = 0x5C
_DRIVE_CHECK = 0x66
_NO_OPERATION = 0x9090
_BOOT_CODE_BYTES = 440


def install(disk: BinaryIO, boot: Partition, *, root_number: int) -> None:
    """Put GRUB into the boot partition and its first stage into the MBR."""
    core = bytearray(_core(root_number))
    if len(core) > boot.size_bytes:
        raise SandboxError(f"GRUB is {len(core)} bytes long, its partition {boot.size_bytes}")
    struct.pack_into("<QHH", core, _BLOCK_LIST, boot.first + 1, (len(core) - 1) // SECTOR, _LOAD_SEGMENT)
    disk.seek(boot.offset_bytes)
    disk.write(core)
    first_stage = bytearray((tools.grub_folder() / "boot.img").read_bytes())
    struct.pack_into("<Q", first_stage, _KERNEL_SECTOR, boot.first)
    struct.pack_into("<H", first_stage, _DRIVE_CHECK, _NO_OPERATION)
    disk.seek(0)
    disk.write(first_stage[:_BOOT_CODE_BYTES])


def _core(root_number: int) -> bytes:
    """GRUB's core image, which reads its menu from /boot/grub of the root partition."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "core.img"
        prefix = f"(hd0,gpt{root_number})/boot/grub"
        modules = str(tools.grub_folder())
        tools.run(["grub-mkimage", "-O", "i386-pc", "-d", modules, "-o", str(out), "-p", prefix, *_MODULES])
        return out.read_bytes()
