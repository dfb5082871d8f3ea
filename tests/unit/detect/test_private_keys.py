"""Private keys are found where they are, in every form, and told from the words that programs have for them."""

from __future__ import annotations

import base64
import json
import random
import subprocess
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, NoEncryption, PrivateFormat

from amigate.detect.hits import Sort
from amigate.detect.scan import BEHIND, scan, scan_pieces
from amigate.evidence.redaction.keys import fingerprint

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

KEYS: dict[str, PrivateKeyTypes] = {
    "rsa": rsa.generate_private_key(65537, 1024),  # noqa: S505 - quickly made
    "ec": ec.generate_private_key(ec.SECP256R1()),
    "ed25519": ed25519.Ed25519PrivateKey.generate(),
}
PASSPHRASE = BestAvailableEncryption(b"hunter2")


def pem(key: PrivateKeyTypes, form: PrivateFormat, lock: serialization.KeySerializationEncryption) -> bytes:
    return key.private_bytes(serialization.Encoding.PEM, form, lock)


def forms() -> Iterator[tuple[str, bytes, str]]:
    """Yield a name, a key's text and what is said of it."""
    for name, key in KEYS.items():
        yield f"{name} PKCS 8", pem(key, PrivateFormat.PKCS8, NoEncryption()), "without a passphrase"
        yield f"{name} PKCS 8 locked", pem(key, PrivateFormat.PKCS8, PASSPHRASE), "behind a passphrase"
        yield f"{name} OpenSSH", pem(key, PrivateFormat.OpenSSH, NoEncryption()), "without a passphrase"
        if name != "ed25519":
            text = pem(key, PrivateFormat.TraditionalOpenSSL, NoEncryption())
            yield f"{name} traditional", text, "without a passphrase"
            yield f"{name} traditional locked", pem(key, PrivateFormat.TraditionalOpenSSL, PASSPHRASE), "behind"
    weak = dsa.generate_private_key(1024)  # noqa: S505
    yield "dsa", pem(weak, PrivateFormat.TraditionalOpenSSL, NoEncryption()), "(DSA, ssh-dss) without"


FORMS = {name: (text, said) for name, text, said in forms()}


def ways_to_write(text: bytes) -> Iterator[bytes]:
    lines = text.decode().splitlines()
    yield text
    yield text.replace(b"\n", b"\r\n")
    yield json.dumps({"private_key": text.decode()}).encode()
    yield b"key: |\n" + b"".join(b"    " + line.encode() + b"\n" for line in lines)
    yield b"".join(b"# " + line.encode() + b"\n" for line in lines)
    yield ("x = (" + "\n     ".join(json.dumps(f"{line}\n") for line in lines) + ")").encode()
    yield (" +\n  ".join(json.dumps(f"{line}\n") for line in lines) + ";\n").encode()
    yield b"\0" * 100 + text + b"\0" * 100


@pytest.mark.parametrize("name", FORMS)
def test_a_key_is_found_however_it_is_written(name: str) -> None:
    text, said = FORMS[name]
    for written in ways_to_write(text):
        (hit,) = scan(written)
        assert hit.sort is Sort.PRIVATE_KEY
        assert written[hit.offset :].startswith(b"-----BEGIN")
        assert said in hit.detail
        assert "cut off" not in hit.detail
        assert bool(hit.fingerprint) == ("locked" not in name)


@pytest.mark.parametrize("name", FORMS)
def test_what_is_left_of_a_key_is_found(name: str) -> None:
    text, _ = FORMS[name]
    begin, body = text.index(b"\n"), text.index(b"-----END")
    (hit,) = scan(text[: begin + (body - begin) * 4 // 5] + b"\0" * 4000)
    assert hit.sort is Sort.PRIVATE_KEY
    assert "cut off" in hit.detail or "OpenSSH" in name


def test_the_fingerprint_is_that_of_ssh_keygen(tmp_path: Path) -> None:
    file = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "hunter2", "-f", str(file)], check=True)
    (hit,) = scan(file.read_bytes())
    public = base64.b64decode(file.with_suffix(".pub").read_text().split()[1])
    assert (hit.fingerprint, hit.detail) == (
        fingerprint(public),
        "a private key (OPENSSH, ssh-ed25519) behind a passphrase",
    )


@pytest.mark.parametrize(
    "text",
    [
        b"-----BEGIN RSA PRIVATE KEY-----\0-----END RSA PRIVATE KEY-----\0",
        b"-----BEGIN PRIVATE KEY-----\nMIIEvQ...snip...\n-----END PRIVATE KEY-----\n",
        b"-----BEGIN RSA PRIVATE KEY-----\nMIIBxwIBAAJhAKD0YSHy73nUgysO13XsJmd4fHiFyQ+00R7VVu2iV9Qco\n...\n-----END",
        b"-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2g\n",
        b"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nMIIBxwIBAAJhAKD0YSHy73nUgysO13XsJmd4fH\n",
        b"-----BEGIN RSA PRIVATE KEY-----\n-----END RSA PRIVATE KEY-----\n",
        b"-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n%s\n" % base64.b64encode(b"\x99" + bytes(90)),
        b"-----BEGIN OPENSSH PRIVATE KEY-----\n%s\n" % base64.b64encode(bytes(90)),
        b"-----BEGIN CERTIFICATE-----\n%s\n" % base64.b64encode(b"\x30\x40" + bytes(90)),
        b"-----BEGIN PUBLIC KEY-----\n%s\n" % base64.b64encode(b"\x30\x40" + bytes(90)),
        b"-----BEGIN " * 20_000,
        b"PRIVATE KEY" * 20_000,
        b"-----BEGIN PRIVATE KEY-----" * 2_000,
        b"PuTTY-User-Key-File-2: ssh-rsa\nEncryption: none\n",
        b"(21:protected-private-key(%s(%s" * 1000,
        b"Key: (private-key" * 1000,
    ],
)
def test_a_word_is_no_key(text: bytes) -> None:
    assert not list(scan(text))


def test_other_programs_keys_are_found() -> None:
    found = {
        b"PuTTY-User-Key-File-3: ssh-ed25519\r\nEncryption: none\r\nComment: me\r\nPublic-Lines: 2\r\n"
        b"AAAAC3NzaC1lZDI1NTE5AAAAIBtJ0zXrBrrJZJXu1gwK4mBVXrYhVmEJJDCRVTkQ\r\nJjlK\r\n"
        b"Private-Lines: 1\r\nAAAAIHVzZWxlc3MgYnV0IGxvbmcgZW5vdWdoLi4u\r\n": "(PuTTY, ssh-ed25519) without",
        b"PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: aes256-cbc\nComment: \nPublic-Lines: 2\n"
        b"AAAAC3NzaC1lZDI1NTE5AAAAIBtJ0zXrBrrJZJXu1gwK4mBVXrYhVmEJJDCRVTkQ\nJjlK\nKey-Derivation: Argon2id\n"
        b"Argon2-Memory: 8192\nArgon2-Salt: aa\nPrivate-Lines: 1\nAAAAIHVzZWxlc3MgYnV0IGxvbmc=\n": "behind",
        b"SSH PRIVATE KEY FILE FORMAT 1.1\n\0\0\0\0\0": "SSH protocol 1",
        b"(11:private-key(3:rsa(1:n257:\0\xaa": "(GnuPG) without",
        b"(21:protected-private-key(3:ecc(5:curve7:Ed25519": "(GnuPG) behind",
        b"Created: 20240101T000000\nKey: (protected-private-key (ecc (curve Ed25519)": "(GnuPG) behind",
        b"-----BEGIN PGP PRIVATE KEY BLOCK-----\nVersion: x\n\n%s\n=abcd\n-----END PGP PRIVATE KEY BLOCK-----"
        % base64.b64encode(b"\x95" + bytes(120)): "a private key (PGP)",
        b"---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\nComment: x\n%s\n---- END SSH2 ENCRYPTED PRIVATE KEY ----\n"
        % base64.b64encode(bytes(120)): "(SSH2 ENCRYPTED)",
    }
    for text, said in found.items():
        (hit,) = scan(b"before " + b"\n" + text)
        assert said in hit.detail
        assert hit.sort is Sort.PRIVATE_KEY


@pytest.mark.parametrize("seed", range(8))
def test_pieces_tell_what_the_whole_tells(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - the same on every run
    secret = b"AKIA2345234523452345 " + b"\n" * 300 + b"Ab3" * 5 + base64.b64encode(bytes(range(18)))[:24] + b"x \n"
    texts = [text for text, _ in FORMS.values()] + [secret]
    whole = b""
    for _ in range(40):
        whole += chance.randbytes(chance.randint(0, 6000)) + b"\n" + chance.choice(texts)
    expected = [(hit.sort, hit.detail, hit.offset, 1 + whole.count(b"\n", 0, hit.offset)) for hit in scan(whole)]
    assert len(expected) >= 35
    size = chance.choice([1000, 10_000, BEHIND, 100_000, 10**7])
    pieces = [whole[at : at + size] for at in range(0, len(whole), size)]
    found = [(hit.sort, hit.detail, offset, line) for hit, offset, line in scan_pieces(pieces)]
    assert sorted(found) == sorted(expected)


@pytest.mark.parametrize("seed", range(20))
def test_damaged_keys_end(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311
    for text, _ in FORMS.values():
        damaged = bytearray(text)
        for _ in range(chance.randint(1, 20)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        assert len(list(scan(bytes(damaged)))) <= 2
