"""Where boot loaders keep the kernel's command line."""

from __future__ import annotations

from amigate.evidence.keep import Keep
from amigate.evidence.questions import Glob

_CAP_BYTES = 1024 * 1024
BOOT = (
    *(
        Glob(pattern, Keep.CLOUD_SWITCHES, cap_bytes=_CAP_BYTES)
        for pattern in (
            "/boot/grub/grub.cfg",
            "/boot/grub2/grub.cfg",
            "/boot/grub/menu.lst",
            "/boot/grub2/grubenv",
            "/boot/loader/entries/*.conf",
            "/boot/efi/loader/entries/*.conf",
            "/efi/loader/entries/*.conf",
            "/boot/extlinux*",
            "/boot/extlinux/*.conf",
            "/boot/efi/EFI/*/grub.cfg",
            "/boot/EFI/*/grub.cfg",
            "/efi/EFI/*/grub.cfg",
            "/etc/kernel/cmdline",
            "/etc/default/grub",
            "/etc/default/grub.d/*.cfg",
        )
    ),
)
"""Where the kernel's command line is written; the last of them when the menu is made anew."""
