"""An initramfs is looked into however it is packed, and one that is damaged is not taken for clean."""

from __future__ import annotations

import bz2
import gzip
import lzma
import random
import sys
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from amigate.detect.hits import Sort
from amigate.detect.initramfs import PLACES, UnpackError, named_host_keys, unpacked
from amigate.detect.scan import scan_pieces

if TYPE_CHECKING:
    from collections.abc import Callable

    from amigate.detect.hits import Hit

KEY = ed25519.Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())


def archive(files: dict[str, bytes]) -> bytes:
    """Return an archive in the form of newc."""
    made = b""
    for name, content in {**files, "TRAILER!!!": b""}.items():
        numbers = [0, 0o100600, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name) + 1, 0]
        made += b"070701" + b"".join(b"%08X" % number for number in numbers) + name.encode() + b"\0"
        made += b"\0" * (-len(made) % 4) + content
        made += b"\0" * (-len(made) % 4)
    return made


def zstd(data: bytes) -> bytes:
    if sys.version_info >= (3, 14):
        from compression import zstd as module  # noqa: PLC0415 - Python has it from here on
    else:
        from backports import zstd as module  # noqa: PLC0415

    return module.compress(data)


MICROCODE = archive({"kernel/x86/microcode/AuthenticAMD.bin": b"x" * 1000}) + b"\0" * 1012
FILES = {
    "init": b"#!/bin/sh\n",
    "etc/dropbear/dropbear_ed25519_host_key": b"\0\0\0\x0bssh",
    "root/k": KEY,
    "end": b"e" * 9000,
}
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "not at all": bytes,
    "gzip": gzip.compress,
    "xz": lambda data: lzma.compress(data, check=lzma.CHECK_CRC32),
    "lzma": lambda data: lzma.compress(data, format=lzma.FORMAT_ALONE),
    "bzip2": bz2.compress,
    "zstd": zstd,
}


def look(content: bytes) -> tuple[list[Hit], list[Hit]]:
    named: list[Hit] = []
    found = [hit for hit, _, _ in scan_pieces(named_host_keys(unpacked(content), named))]
    return found, named


@pytest.mark.parametrize("packer", PACKERS)
@pytest.mark.parametrize("before", [b"", MICROCODE])
@pytest.mark.parametrize("behind", [b"", b"\0" * 600, gzip.compress(archive({"more": b"m"}), mtime=0)])
def test_keys_in_it_are_found(packer: str, before: bytes, behind: bytes) -> None:
    (key,), (named,) = look(before + PACKERS[packer](archive(FILES)) + behind)
    assert key.sort is Sort.PRIVATE_KEY
    assert (named.sort, named.detail) == (Sort.HOST_KEY, "the initramfs holds 'dropbear_ed25519_host_key'")


def test_a_host_key_that_is_empty_is_none() -> None:
    assert look(archive({"etc/ssh/ssh_host_rsa_key": b""})) == ([], [])


@pytest.mark.parametrize("packer", PACKERS)
def test_one_that_is_cut_off_is_not_told(packer: str) -> None:
    content = PACKERS[packer](archive(FILES))
    for end in (1, 3, 7, 50, len(content) // 2, len(content) - 9):
        with pytest.raises(UnpackError):
            look(content[:end])


@pytest.mark.parametrize("content", [b"\x02\x21\x4c\x18lz4", b"\x89LZO\0", b"a text", b"070701" + b"F" * 200])
def test_other_packings_are_not_told(content: bytes) -> None:
    with pytest.raises(UnpackError):
        look(content)


@pytest.mark.parametrize("packer", PACKERS)
def test_damage_ends_in_one_error(packer: str) -> None:
    chance = random.Random(packer)  # noqa: S311 - the same on every run
    content = MICROCODE + PACKERS[packer](archive(FILES))
    for _ in range(100):
        damaged = bytearray(content)
        for _ in range(chance.randint(1, 8)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        try:
            look(bytes(damaged))
        except UnpackError:
            continue


def test_a_bomb_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("amigate.detect.initramfs.MOST_UNPACKED_BYTES", 1_000_000)
    with pytest.raises(UnpackError):
        look(gzip.compress(b"\1" * 10_000_000, mtime=0))


@pytest.mark.parametrize(
    "path,is_one",
    [
        ("/boot/initrd.img-6.1.0", True),
        ("/boot/initramfs-6.1.img", True),
        ("/boot/efi/abc/6.1/initrd", True),
        ("/usr/lib/modules/6.1/initramfs.img", True),
        ("/usr/lib/systemd/system/initrd.target", False),
        ("/boot/vmlinuz", False),
    ],
)
def test_where_they_lie(path: str, is_one: bool) -> None:  # noqa: FBT001
    assert bool(PLACES.fullmatch(path)) is is_one
