"""What image files are taken for, and which are refused before anything else sees them."""

from __future__ import annotations

import os
import struct
from typing import TYPE_CHECKING

import pytest

from amigate.disk.blocks import IncompleteError, UnsupportedError
from amigate.disk.formats import Format, recognise
from amigate.disk.source import disk, opened
from amigate.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.disk.conftest import Memory

FOOTER = struct.pack(">8s52xI", b"conectix", 2).ljust(512, b"\0")
MEBIBYTE = 1 << 20


@pytest.mark.parametrize(
    "head,known",
    [
        (b"", Format.RAW),
        (b"anything", Format.RAW),
        (b"QFI\xfb", Format.QCOW2),
        (b"vhdxfile", Format.VHDX),
        (b"<<< Oracle VM VirtualBox Disk Image >>>\n".ljust(64, b"\0") + b"\x7f\x10\xda\xbe", Format.VDI),
        (struct.pack(">8s52xI", b"conectix", 3), Format.VHD),
    ],
)
def test_formats_are_told_by_magic(memory: type[Memory], head: bytes, known: Format) -> None:
    assert recognise(memory(head.ljust(MEBIBYTE, b"\0") if head else b"")) == known


@pytest.mark.parametrize(
    "head,what",
    [
        (b"\x1f\x8b\x08", "gzip"),
        (b"\xfd7zXZ\0", "xz"),
        (b"\x28\xb5\x2f\xfd", "zstd"),
        (bytes(257) + b"ustar", "tar archive"),
        (b"# Disk DescriptorFile", "in other files"),
        (b"QED\0", "QED"),
        (struct.pack(">8s52xI", b"conectix", 4), "needs another one"),
        (b"KDMV", "does not describe itself"),
    ],
)
def test_what_is_not_read_is_named(memory: type[Memory], head: bytes, what: str) -> None:
    with pytest.raises(UnsupportedError, match=what):
        recognise(memory(head.ljust(MEBIBYTE, b"\0")))


def test_a_vmdk_cut_short_is_incomplete(memory: type[Memory]) -> None:
    with pytest.raises(IncompleteError, match="ends within its header"):
        recognise(memory(b"KDMV"))


def test_a_fixed_vhd_is_all_but_its_footer(memory: type[Memory], tmp_path: Path) -> None:
    """Its size is that of the file, so that no footer can hide the end of a disk."""
    content = b"disk".ljust(MEBIBYTE, b"\7")
    path = tmp_path / "disk.vhd"
    path.write_bytes(content + FOOTER)
    assert recognise(memory(content + FOOTER)) == Format.VHD_FIXED
    with opened(path) as image:
        assert image.format == Format.RAW
        assert disk(image).read(0, disk(image).size) == content
    with pytest.raises(UnsupportedError):
        recognise(memory(content + FOOTER.replace(b"\2", b"\4")))


def test_a_format_that_is_given_counts(tmp_path: Path) -> None:
    path = tmp_path / "disk.raw"
    path.write_bytes(b"QFI\xfb".ljust(4096, b"\0"))
    with opened(path, image_format=Format.RAW) as image:
        assert disk(image).read(0, 4) == b"QFI\xfb"
    with opened(path) as image, pytest.raises(UnsupportedError):
        disk(image)


def test_what_is_no_file_is_a_wrong_call(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    for name in ("", "fifo", "missing"):
        with pytest.raises(UsageError), opened(tmp_path / name):
            pass
