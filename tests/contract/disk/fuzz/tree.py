"""A small root file system with something of each kind that readers and facts look for."""

from __future__ import annotations

import base64
import os
import random
import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

ACL = struct.pack("<IHHIHHIHHI", 2, 1, 7, 2**32 - 1, 4, 5, 2**32 - 1, 32, 5, 2**32 - 1)
KEY = base64.encodebytes(random.Random(1).randbytes(900)).decode("ascii")  # noqa: S311 - of nothing
TEXTS = {
    "etc/os-release": "ID=debian\nVERSION_ID=12\n",
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\nbob:x:1000:1000::/home/bob:/bin/sh\n",
    "etc/shadow": f"root:*:19000:0:99999:7:::\nbob:$6$salt$/{'a' * 85}:19000::::::\n",
    "etc/group": "root:x:0:\nsudo:x:27:bob\n",
    "etc/machine-id": "uninitialized\n",
    "etc/sudoers": "root ALL=(ALL:ALL) ALL\n@includedir /etc/sudoers.d\n",
    "etc/sudoers.d/bob": "bob ALL=(ALL) NOPASSWD:ALL\n",
    "etc/ssh/sshd_config": "Include /etc/ssh/sshd_config.d/*.conf\nPasswordAuthentication no\n",
    "etc/ssh/sshd_config.d/own.conf": "PermitRootLogin no\n",
    "etc/ssh/ssh_host_rsa_key": f"-----BEGIN RSA PRIVATE KEY-----\n{KEY}-----END RSA PRIVATE KEY-----\n",
    "etc/cloud/cloud.cfg": "ssh_deletekeys: true\ndisable_root: true\n",
    "home/bob/.ssh/authorized_keys": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKeyOfNobody bob@example.com\n",
    "home/bob/.bash_history": "ls\n" * 700,
    "usr/bin/true": "#!/bin/sh\nexit 0\n",
    "usr/share/doc/text": "".join(f"a line of text, number {number}\n" for number in range(1000)),
    "var/lib/dpkg/status": "Package: sudo\nStatus: install ok installed\nVersion: 1\nArchitecture: amd64\n\n",
    "var/lib/dpkg/info/sudo.md5sums": f"{'0' * 32}  usr/bin/true\n",
}


def populate(root: Path, fstab: str, *, slow_links: bool) -> None:
    """Make the tree; `slow_links` are those whose target takes a block."""
    for name, text in {"etc/fstab": fstab, **TEXTS}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, "utf-8")
    awkward(root / "srv", slow_links=slow_links)
    os.setxattr(root / "etc", "system.posix_acl_default", ACL)
    os.setxattr(root / "etc/passwd", "user.one", b"1")


def loaders(folder: Path) -> list[Path]:
    """Make what an EFI system partition holds, and folders and files that take several clusters; return its top."""
    texts = {
        "EFI/debian/grub.cfg": "search.fs_uuid 0b1e5afe root\nconfigfile $prefix/grub.cfg\n",
        "EFI/BOOT/BOOTX64.EFI": "MZ" * 3000,
        "loader/entries/a long name of an entry.conf": "options root=/dev/vda2 ro\n",
        "key": f"-----BEGIN RSA PRIVATE KEY-----\n{KEY}-----END RSA PRIVATE KEY-----\n",
        **{f"EFI/many/name of some length {number:02}": "x" * number * 20 for number in range(40)},
    }
    for name, text in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    return sorted(folder.iterdir())


def awkward(root: Path, *, slow_links: bool) -> None:
    """Make a folder of many entries, a file of many extents, and what else has a form of its own."""
    for folder in ("many", "deep/er/and/deeper"):
        (root / folder).mkdir(parents=True)
    for number in range(120):
        (root / f"many/a_name_that_takes_room_{number:04}").touch()
    for number in range(0, 120, 3):
        (root / f"many/a_name_that_takes_room_{number:04}").unlink()
    with (root / "holes").open("wb") as file:
        for number in range(150):
            file.seek(number * 2048)
            file.write(b"x")
    (root / "short").symlink_to("many")
    if slow_links:
        (root / "long").symlink_to("/abc" * 200)
    os.link(root / "holes", root / "deep/the same")
    (root / "deep/small").write_bytes(b"small" * 5)
    for number in range(8):
        os.setxattr(root / "holes", f"user.number{number}", b"v" * 70)
