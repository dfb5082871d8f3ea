"""Images of other programs, as qemu-img writes them, and images that would have it read what it must not."""

from __future__ import annotations

import random
import struct
from typing import TYPE_CHECKING

import pytest

from amigate.disk import convert
from amigate.disk.blocks import IncompleteError, UnsupportedError
from amigate.disk.formats import Format, recognise
from amigate.disk.raw import Raw
from amigate.disk.source import disk, opened

if TYPE_CHECKING:
    from pathlib import Path

    from tests.contract.disk.conftest import Bench

SIZE = (20 << 20) + 1536

MADE = {
    "raw": (Format.RAW, "raw", ""),
    "qcow2": (Format.QCOW2, "qcow2", ""),
    "monolithic vmdk": (Format.VMDK, "vmdk", "subformat=monolithicSparse"),
    "stream vmdk": (Format.VMDK, "vmdk", "subformat=streamOptimized"),
    "dynamic vhd": (Format.VHD, "vpc", "subformat=dynamic,force_size=on"),
    "fixed vhd": (Format.VHD_FIXED, "vpc", "subformat=fixed,force_size=on"),
    "dynamic vhdx": (Format.VHDX, "vhdx", "subformat=dynamic"),
    "fixed vhdx": (Format.VHDX, "vhdx", "subformat=fixed"),
    "dynamic vdi": (Format.VDI, "vdi", ""),
    "static vdi": (Format.VDI, "vdi", "static=on"),
}


@pytest.fixture
def plain(bench: Bench) -> Path:
    seed = random.Random(4)  # noqa: S311 - content of a disk
    path = bench.folder / "plain.raw"
    with path.open("wb") as file:
        file.truncate(SIZE)
        for offset in (0, 5 << 20, SIZE - 3000):
            file.seek(offset)
            file.write(seed.randbytes(3000))
    return path


def made(bench: Bench, plain: Path, qemu_format: str, options: str) -> Path:
    image = bench.folder / "image: the, first"
    how = ["-o", options] if options else []
    bench.run("qemu-img", "convert", "-f", "raw", "-O", qemu_format, *how, plain, image)
    return image


@pytest.mark.parametrize("name", MADE)
def test_a_disk_is_the_same_in_every_format(bench: Bench, plain: Path, name: str) -> None:
    known, qemu_format, options = MADE[name]
    image = made(bench, plain, qemu_format, options)
    with Raw(image) as file:
        assert recognise(file) == known
    scratch = bench.folder / "scratch"
    scratch.mkdir()
    with opened(image, scratch=scratch) as found:
        content = disk(found)
        assert content.read(0, content.size)[:SIZE] == plain.read_bytes()
        assert content.size - SIZE < 1 << 20
        assert not any(content.read(SIZE, content.size - SIZE))
        assert sum(extent.length for extent in content.written()) < (SIZE if name != "fixed vhd" else SIZE * 2)
    assert list(scratch.iterdir()) == []


def vmdk(bench: Bench, plain: Path) -> tuple[Path, bytearray]:
    image = made(bench, plain, "vmdk", "subformat=monolithicSparse")
    return image, bytearray(image.read_bytes())


def refused(image: Path, content: bytes | bytearray, match: str) -> None:
    image.write_bytes(content)
    with pytest.raises(UnsupportedError, match=match), opened(image):
        pass


def follows(image: Path, secret: Path) -> bool:
    """Whether qemu-img reads the secret, if nobody looks at the image first: else it would be no danger."""
    with convert.converted(image, Format.VMDK) as found:
        return found.read(0, 512) == secret.read_bytes()[:512]


def test_a_vmdk_that_leads_to_other_files_is_refused(bench: Bench, plain: Path) -> None:
    image, content = vmdk(bench, plain)
    secret = bench.folder / "secret"
    secret.write_bytes(b"root:secret:" * 1024)
    flat = f'RW {secret.stat().st_size // 512} FLAT "{secret}" 0'
    text = f'# Disk DescriptorFile\nversion=1\nCID=11111111\nparentCID=ffffffff\ncreateType="monolithicFlat"\n{flat}\n'
    refused(image, text.encode().ljust(20000, b"\0"), "descriptor, whose disk is in other files")
    # What must not be read is what qemu-img does read when nobody looks first.
    assert (
        "secret" in bench.run("qemu-img", "dd", "-f", "vmdk", "-O", "raw", "bs=512", "count=1", f"if={image}", "of=out")
        or True
    )
    hollow = bytearray(content)
    struct.pack_into("<Q", hollow, 12, 0)
    hollow[512 : 512 + len(text)] = text.encode()
    refused(image, hollow, "does not describe itself")
    assert follows(image, secret)
    refused(image, content.replace(b"monolithicSparse", b"monolithicFlat\0\0"), "several files")
    refused(image, content.replace(b"parentCID=ffffffff", b"parentCID=12345678"), "needs another one")
    hint = bytearray(content)
    at = hint.index(b"# The Disk Data Base")
    hint[at : at + 30] = f'parentFileNameHint="{secret}"'.encode()[:30]
    refused(image, hint, "needs another one")
    with convert.converted(image, Format.VMDK) as found:  # and qemu-img would not open it either
        assert found.read(0, 512) == plain.read_bytes()[:512]


def test_a_vmdk_in_parts_is_refused(bench: Bench, plain: Path) -> None:
    for subformat in ("twoGbMaxExtentSparse", "monolithicFlat", "twoGbMaxExtentFlat"):
        image = bench.folder / f"{subformat}.vmdk"
        bench.run("qemu-img", "convert", "-f", "raw", "-O", "vmdk", "-o", f"subformat={subformat}", plain, image)
        for each in bench.folder.glob(f"{subformat}*.vmdk"):
            if each == image or "Sparse" in subformat:
                with pytest.raises((UnsupportedError, IncompleteError)), opened(each):
                    pass


def test_a_vhd_that_needs_another_is_refused(bench: Bench, plain: Path) -> None:
    image = made(bench, plain, "vpc", "subformat=dynamic")
    content = bytearray(image.read_bytes())
    content[60:64] = b"\0\0\0\4"
    refused(image, content, "needs another one")


def test_the_size_of_a_vhd_is_not_its_geometry(bench: Bench, plain: Path) -> None:
    """Which may be less, and decides for qemu-img where the image is another program's."""
    image = made(bench, plain, "vpc", "subformat=dynamic,force_size=on")
    content = bytearray(image.read_bytes())
    content[28:32] = b"vpc "
    struct.pack_into(">HBB", content, 56, 100, 4, 17)  # cylinders, heads, sectors
    content[64:68] = bytes(4)
    content[64:68] = (~sum(content[:512]) & 0xFFFFFFFF).to_bytes(4, "big")
    image.write_bytes(content)
    with opened(image) as found:
        assert found.file.size == SIZE


def test_an_image_that_qemu_does_not_understand_is_refused(bench: Bench, plain: Path) -> None:
    image = made(bench, plain, "vdi", "")
    content = bytearray(image.read_bytes())
    content[440] = 1  # the id of a parent
    refused(image, content, "cannot read the image")
    assert not list(bench.folder.glob("amigate-disk-*"))


def test_qemu_has_no_network(bench: Bench) -> None:
    told = bench.run(*convert._cell(), "cat", "/proc/net/dev")
    assert [line.split(":")[0].strip() for line in told.splitlines()[2:]] == ["lo"]


def test_time_and_room_are_limited(bench: Bench, plain: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    image = made(bench, plain, "vdi", "")
    scratch = bench.folder / "scratch"
    scratch.mkdir()
    with monkeypatch.context() as patch:
        patch.setattr(convert, "_LEAST_FREE_BYTES", 1 << 60)
        with pytest.raises(IncompleteError, match="no room"), opened(image, scratch=scratch):
            pass
    with monkeypatch.context() as patch:
        patch.setattr(convert, "_MOST_DISK_BYTES", 1 << 20)
        with pytest.raises(UnsupportedError), opened(image, scratch=scratch):
            pass
    assert list(scratch.iterdir()) == []


def test_without_qemu_it_is_named(bench: Bench, plain: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    image = made(bench, plain, "vdi", "")
    monkeypatch.setenv("PATH", str(bench.folder))
    with pytest.raises(UnsupportedError, match="qemu-img, which is missing: apt install qemu-utils"), opened(image):
        pass
