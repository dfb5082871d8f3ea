"""Every checksum taken for right, as if whoever made the image had made it so."""

from __future__ import annotations

from contextlib import contextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from tests.contract.disk.mutations import AnyChecksum

if TYPE_CHECKING:
    from collections.abc import Iterator

DISK = "amigate.disk"
EXTENDED = ("free", "groups", "inodes", "journal", "metadata", "value_inodes")
"""Modules of ext that extend a CRC32C."""
FOUND = (
    *(f"{DISK}.ext.{module}.extended" for module in EXTENDED),
    f"{DISK}.ext.groups.crc16",
    f"{DISK}.ext.metadata.crc32c",
    f"{DISK}.ext.superblock.crc32c",
    f"{DISK}.xfs.inodes.crc32c",
    f"{DISK}.volumes.lvm_label.checksum",
)
"""Functions that return a checksum."""
VERIFIED = tuple(f"{DISK}.xfs.{module}.verify" for module in ("superblock", "metadata", "free"))
"""Functions that raise for a wrong one."""


@contextmanager
def any_checksum() -> Iterator[None]:
    """Take every checksum for right for as long as the context lasts."""
    with pytest.MonkeyPatch.context() as patch:
        for name in FOUND:
            patch.setattr(name, lambda *_: AnyChecksum())
        for name in VERIFIED:
            patch.setattr(name, lambda *_: None)
        patch.setattr(f"{DISK}.xfs.log._is_whole", lambda *_: True)
        patch.setattr(f"{DISK}.volumes.gpt.binascii", SimpleNamespace(crc32=lambda _: AnyChecksum()))
        yield
