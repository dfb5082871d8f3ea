"""Every kind of secret is found wherever it lies, and nothing else is."""

from __future__ import annotations

import base64
import random
import re
from typing import TYPE_CHECKING

import pytest

from amigate.disk import stream as streams
from amigate.disk.blocks import Extent
from amigate.disk.carve import scan
from amigate.disk.carve.secret import Kind

from .conftest import ACCESS_KEY, HASHES, SALTED, SECRET_KEY, Planted, run, search

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from amigate.disk.blocks import Blocks
    from amigate.disk.carve.scan import Hit

    Memory = Callable[[bytes], Blocks]

PIECE = 64 * 1024


def hits(memory: Memory, data: bytes) -> tuple[Hit, ...]:
    return search(memory(data)).hits


def test_every_kind_is_found_once_and_told_as_the_tools_tell_it(memory: Memory, planted: dict[str, Planted]) -> None:
    assert len(planted) == 37
    for name, secret in planted.items():
        (hit,) = hits(memory, b"x" * 5000 + b"\n" + secret.text + b"\0" * 5000)
        assert (hit.kind, hit.what, hit.is_encrypted, hit.is_whole) == (
            secret.kind,
            secret.what,
            secret.is_encrypted,
            True,
        ), name
        assert 0 <= hit.offset - 5001 <= 30
        assert hit.length <= len(secret.text)
        assert hit.fingerprint.startswith(secret.fingerprint), name


def test_a_hit_holds_nothing_of_the_secret(memory: Memory, planted: dict[str, Planted]) -> None:
    for name, secret in planted.items():
        (hit,) = hits(memory, secret.text)
        public = hit.fingerprint
        for word in re.findall(rb"[A-Za-z0-9+/]{16,}", secret.text):
            assert word.decode() not in repr(hit).replace(public, ""), name


def test_all_of_them_on_one_disk_are_all_found(memory: Memory, planted: dict[str, Planted]) -> None:
    data = b"".join(secret.text.ljust(8192, b"\0") for secret in planted.values())
    found = [(hit.offset // 8192, hit.what) for hit in hits(memory, data)]
    assert sorted(found) == [(number, secret.what) for number, secret in enumerate(planted.values())]


@pytest.mark.parametrize("name", ["OpenSSH ed25519 ", "PuTTY 3 ", "sha512crypt", "credentials", "pkcs8 ED25519"])
@pytest.mark.parametrize("piece", [PIECE, 4096])
def test_the_edge_of_a_piece_hides_nothing_at_any_offset(
    planted: dict[str, Planted], monkeypatch: pytest.MonkeyPatch, name: str, piece: int
) -> None:
    monkeypatch.setattr(streams, "CHUNK_BYTES", piece)
    text = planted[name].text
    (whole,) = hits(OnePiece, b"\n" + text)
    for offset in range(PIECE - len(text) - 60, PIECE + 60):
        disk = bytearray(2 * PIECE)
        disk[offset : offset + len(text)] = text
        (hit,) = hits(OnePiece, bytes(disk))
        assert (hit.offset - offset, hit.length, hit.fingerprint) == (whole.offset - 1, whole.length, whole.fingerprint)


class OnePiece:
    """A device that says that all of it is written."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.size = len(data)

    def read(self, offset: int, length: int) -> bytes:
        return self.data[offset : offset + length]

    def prefetch(self, extents: Iterable[Extent]) -> None: ...

    def written(self) -> Iterator[Extent]:
        yield Extent(0, self.size)


def test_larger_keys_are_found_over_edges_too(planted: dict[str, Planted], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "CHUNK_BYTES", PIECE)
    text = planted["OpenSSH rsa "].text
    for offset in range(PIECE - len(text) - 60, PIECE + 60, 41):
        disk = bytearray(2 * PIECE)
        disk[offset : offset + len(text)] = text
        (hit,) = hits(OnePiece, bytes(disk))
        assert (hit.offset, hit.is_whole) == (offset, True)


def test_a_key_is_found_in_every_way_in_which_files_hold_it(memory: Memory, planted: dict[str, Planted]) -> None:
    text = planted["pkcs8 RSA"].text
    told = planted["pkcs8 RSA"].fingerprint
    for form in (
        text.replace(b"\n", b"\r\n"),
        text.replace(b"\n", b"\\n"),
        text.replace(b"\n", b"\n      "),
        text.replace(b"\n", b""),
        text[: text.index(b"-----END")],
        b'{"private_key": "' + text.replace(b"\n", b"\\n") + b'"}',
    ):
        (hit,) = hits(memory, b"a: " + form)
        assert (hit.fingerprint, hit.is_whole) == (told, True)


def test_keys_without_their_first_line_and_raw_ones_are_found(memory: Memory, planted: dict[str, Planted]) -> None:
    secret = planted["OpenSSH ed25519 "]
    body = secret.text.split(b"\n", 1)[1]
    raw = base64.b64decode(b"".join(secret.text.split(b"\n")[1:-2]))
    for form in (body, raw, b"\x90" * 999 + raw + b"\x90" * 999):
        (hit,) = hits(memory, form)
        assert (hit.what, hit.fingerprint) == ("openssh-key-v1", secret.fingerprint)


@pytest.mark.parametrize(
    "name", ["OpenSSH rsa ", "traditional RSA", "pkcs8 RSA", "traditional RSA encrypted", "PuTTY 2 "]
)
def test_a_key_that_breaks_off_counts_when_something_secret_is_left(
    memory: Memory, planted: dict[str, Planted], name: str
) -> None:
    text = planted[name].text
    (hit,) = hits(memory, text[: len(text) * 4 // 5] + b"\0" * 4096)
    assert not hit.is_whole
    assert hits(memory, text[: min(len(text) // 5, 130)] + b"\0" * 4096) == ()


def test_what_is_public_is_no_secret(memory: Memory, planted: dict[str, Planted], tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_bytes(planted["pkcs8 RSA"].text)
    certificate = run("openssl", "req", "-x509", "-key", key, "-subj", "/CN=x", "-days", "9")
    public = run("openssl", "pkey", "-in", key, "-pubout")
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "id")
    line = (tmp_path / "id.pub").read_bytes()
    assert hits(memory, certificate + public + line * 9) == ()


NOT_SECRET = [
    "-----BEGIN RSA PRIVATE KEY-----\n-----END RSA PRIVATE KEY-----",
    "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC...\n-----END PRIVATE KEY-----",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIABAKCAQEAqKpRgnn6yq26U3yt5YFZquyukfRjbMXDcNOK4rMCxDR...fvY4+te\n",
    "-----BEGIN RSA PRIVATE KEY-----\n" + "QUFB" * 200 + "\n-----END RSA PRIVATE KEY-----",
    "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQ\n-----END",
    "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nshort\n",
    "-----BEGIN PGP PRIVATE KEY BLOCK-----\n",
    "PuTTY-User-Key-File-2: ssh-rsa\nEncryption: none\nComment: x\nPublic-Lines: 1\nAAAA\nPrivate-Lines: 1\nAAAA\n",
    "openssh-key-v1\0\0\0\0\4none\0\0\0\4none\0\0\0\0\0\0\0\1",
    f"root:{SALTED}",
    f":{SALTED}:",
    f"root:{SALTED[:-1]}:",
    "root:$6$$" + "a" * 86 + ":",
    "root:!:19000:0:99999:7:::",
    f"id {ACCESS_KEY}",
    f"{ACCESS_KEY} {'0123456789abcdef' * 3}"[:61],
    f"{ACCESS_KEY} wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "AKIAIOSFODNN7EXAMPLE wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    f"{ACCESS_KEY}{'x' * 600} {SECRET_KEY}",
    f"{ACCESS_KEY} {SECRET_KEY}x",
    f"{ACCESS_KEY}A {SECRET_KEY}",
    f"x{ACCESS_KEY} {SECRET_KEY}",
    f"aws_secret_access_key {SECRET_KEY}",
    "aws_secret_access_key = " + "a" * 40,
]


@pytest.mark.parametrize("text", NOT_SECRET)
def test_what_only_looks_like_a_secret_is_none(memory: Memory, text: str) -> None:
    assert hits(memory, b"\n" + text.encode() + b"\n") == ()


@pytest.mark.parametrize(
    "text",
    [
        f"{SECRET_KEY}\n{ACCESS_KEY}",
        f'{{"AccessKeyId": "{ACCESS_KEY}", "SecretAccessKey": "{SECRET_KEY}"}}',
        f"{ACCESS_KEY.replace('AKIA', 'ASIA')},{SECRET_KEY}",
        f"{ACCESS_KEY}:{SECRET_KEY}",
        f"AWS_SECRET_ACCESS_KEY='{SECRET_KEY}'",
        f'"secretAccessKey" : "{SECRET_KEY}"',
        f'\\"SecretAccessKey\\":\\"{SECRET_KEY}\\"',
    ],
)
def test_access_keys_are_found_in_every_form(memory: Memory, text: str) -> None:
    (hit,) = hits(memory, text.encode())
    assert (hit.kind, hit.fingerprint) == (Kind.AWS_ACCESS_KEY, "keyed-40")


@pytest.mark.parametrize("lock", ["", "!", "!!", "*"])
def test_hashes_are_found_behind_locks_and_in_copies(memory: Memory, lock: str) -> None:
    text = f"daemon:*:1:0:::\nbob.x-1:{lock}{HASHES['yescrypt']}:19000:0:99999:7:::\nx"
    (hit,) = hits(memory, text.encode())
    assert text.encode()[hit.offset : hit.offset + hit.length].startswith(b"bob.x-1:")
    assert hit.fingerprint == f"keyed-{len(HASHES['yescrypt'])}"


def test_keys_of_self_tests_are_told(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    seed = base64.b64encode(bytes.fromhex("302e020100300506032b657004220420") + bytes(32)).decode()
    (hit,) = hits(memory, f"-----BEGIN PRIVATE KEY-----\n{seed}\n".encode())
    assert not hit.is_published
    monkeypatch.setattr(scan, "PUBLISHED", {hit.fingerprint})
    (hit,) = hits(memory, f"-----BEGIN PRIVATE KEY-----\n{seed}\n".encode())
    assert hit.is_published


def test_noise_holds_nothing(memory: Memory) -> None:
    assert hits(memory, random.Random(1).randbytes(1 << 22)) == ()  # noqa: S311 - noise
