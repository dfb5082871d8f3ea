"""What is searched, what is not, and that hostile bytes cost no more than others."""

from __future__ import annotations

import time
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from amigate.disk.blocks import Extent, IncompleteError
from amigate.disk.carve import scan
from amigate.disk.carve.scan import carve
from amigate.disk.carve.secret import Kind
from amigate.disk.pieces import Piece, Pieces, Stripes, on_device
from amigate.disk.volumes.volume import State, Volume

from .conftest import ACCESS_KEY, SALTED, SECRET_KEY, mac, search

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from amigate.disk.blocks import Blocks

    from .conftest import Planted

    Memory = Callable[[bytes], Blocks]

LINE = f"\nroot:{SALTED}:1:0:::\n".encode()


def volume(blocks: Blocks | None, reason: str = "") -> Volume:
    return Volume(name="v", kind="ext4", state=State.READABLE, blocks=blocks, reason=reason)


def test_a_hit_says_where_on_the_disk_it_is(memory: Memory) -> None:
    disk, other = memory(bytes(8192) + LINE.ljust(4096, b"\0")), memory(bytes(4096))
    pieces = Pieces([Piece(other, 0, 4096), Piece(disk, 4096, 8192)])
    nested = Pieces([Piece(pieces, 4096, 8192)])
    (hit,) = carve(volume(nested), mac, disks=[("other", other), ("disk", disk)]).hits
    assert (hit.volume, hit.offset, hit.disk, hit.disk_offset) == ("v", 4097, "disk", 8193)
    (hit,) = carve(volume(nested), mac).hits
    assert (hit.disk, hit.disk_offset) == ("", 0)


def test_stripes_are_a_device_of_their_own(memory: Memory) -> None:
    stripes = Stripes([memory(bytes(8192)), memory(LINE.ljust(8192, b"\0"))], 4096)
    assert on_device(stripes, 5000) == (stripes, 5000)
    (hit,) = carve(volume(stripes), mac).hits
    assert (hit.offset, hit.disk) == (4097, "")


def test_bytes_apart_are_not_put_together(memory: Memory) -> None:
    half = len(LINE) // 2
    disk = bytearray(3 * 4096)
    disk[4096 - half : 4096] = LINE[:half]
    disk[8192 : 8192 + len(LINE) - half] = LINE[half:]
    assert search(memory(bytes(disk))).hits == ()


def test_only_what_is_written_is_searched(memory: Memory) -> None:
    disk = memory(bytes(1 << 20) + LINE.ljust(4096, b"\0") + bytes(1 << 20))
    found = search(disk)
    assert (len(found.hits), found.searched_bytes, found.unseen) == (1, 4096, "")


class Broken:
    """A device that cannot be read from some place on."""

    size = 3 << 19

    def read(self, offset: int, length: int) -> bytes:
        if offset >= 1 << 19:
            raise IncompleteError("a block is damaged")
        return LINE.ljust(length, b"\0")

    def prefetch(self, extents: object) -> None: ...

    def written(self) -> Iterator[Extent]:
        yield Extent(0, self.size)


def test_what_cannot_be_read_is_said_and_what_was_found_before_stays() -> None:
    found = search(Broken())
    assert (len(found.hits), found.searched_bytes, found.unseen) == (1, 1 << 19, "a block is damaged")


def test_a_volume_without_bytes_is_unseen() -> None:
    assert carve(volume(None, "half of it is missing"), mac).unseen == "half of it is missing"
    assert carve(volume(None), mac).unseen


def test_more_hits_of_a_kind_than_are_listed_are_said_to_be_there(
    memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scan, "MOST_HITS", 3)
    keys = f"{ACCESS_KEY}:{SECRET_KEY}".encode().ljust(2048, b"\0")
    found = search(memory(LINE * 3 + keys * 5))
    assert [hit.kind for hit in found.hits].count(Kind.PASSWORD_HASH) == 3
    assert [hit.kind for hit in found.hits].count(Kind.AWS_ACCESS_KEY) == 3
    assert found.capped == {Kind.AWS_ACCESS_KEY}


OPENSSH = b"openssh-key-v1\0\0\0\0\4none\0\0\0\4none\0\0\0\0\0\0\0\1\0\0\x0f\xff\0\0\0\7ssh-rsa"
HOSTILE = {
    "first lines": b"-----BEGIN RSA PRIVATE KEY-----\n",
    "first lines and base64": b"-----BEGIN PRIVATE KEY-----\n" + b"MIIEvQIBADANBgkqhkiG9w0B" * 90,
    "encrypted": b"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC\n\n",
    "raw keys": OPENSSH,
    "keys in base64": b"b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAP/wAAAAdzc2gtcnNhAAAA",
    "beginnings in base64": b"b3BlbnNzaC1rZXktdjEA",
    "PuTTY": b"PuTTY-User-Key-File-2: ssh-rsa\nEncryption: none\nComment: ",
    "PuTTY with lines": b"PuTTY-User-Key-File-2: a\nEncryption: none\nComment: \nPublic-Lines: 9\n" + b"AAAA\n" * 300,
    "ids": ACCESS_KEY.encode() + b" ",
    "secrets": SECRET_KEY.encode() + b" ",
    "ids and secrets": f"{ACCESS_KEY} {'0' * 40} ".encode(),
    "names": b"aws_secret_access_key=",
    "letters": b"A",
    "dollars": b"$",
    "schemes": b":$6$",
    "salts": b"a:$6$salt$" + b"a" * 85,
    "names of users": b"a" * 70 + b":" + SALTED.encode(),
    "base64": b"QUFB",
    "blanks": b"-----BEGIN PRIVATE KEY-----" + b" " * 900,
    "nested": b"-----BEGIN PRIVATE KEY-----MIIEvTCCBLkwggS1MIIEsTCCBK0wggSpMIIEpTCCBKEwggSd",
}
SIZE = 1 << 20


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_bytes_take_time_in_proportion(memory: Memory, name: str) -> None:
    unit = HOSTILE[name]
    disk = memory(unit * (SIZE // len(unit)))
    begin = time.process_time()
    search(disk)
    assert time.process_time() - begin < 5  # at worst; what grows with the square takes hours


def test_hits_never_overlap(memory: Memory, planted: dict[str, Planted]) -> None:
    found = search(memory(b"".join(secret.text for secret in planted.values()) * 2)).hits
    ends = sorted((hit.offset, hit.offset + hit.length) for hit in found)
    assert all(first[1] <= second[0] for first, second in pairwise(ends))
    assert len(found) == 2 * len(planted)
