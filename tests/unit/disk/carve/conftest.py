"""Secrets of every kind, made by the programs that people make them with."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from amigate.disk.carve.scan import carve
from amigate.disk.carve.secret import Kind
from amigate.disk.volumes.volume import State, Volume

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from amigate.disk.blocks import Blocks
    from amigate.disk.carve.scan import Carved

SALTED = "$6$rounds=5000$saltsalt$" + "a" * 86
HASHES = {
    "yescrypt": "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$X3DX6M94c7o.9agCG9G317fhZg9SqC.5i5rd.RhAtQ7",
    "gost-yescrypt": "$gy$j9T$F5Jx5fExrKuPp53xLKQ..1$X3DX6M94c7o.9agCG9G317fhZg9SqC.5i5rd.RhAtQ7",
    "scrypt": "$7$CU..../....2Q9obwLhin8qvQl6sisAO/$E1HizYWxBmnIH4sdPkd1UOML9t62Gf.wvNTnt5XFzs8",
    "bcrypt": "$2b$05$UmSZ.1Ps5QNEKbUTKS0uVuCpu4Qs8vT1P9hfRbXRmMqY7QhfBQLUC",
    "sha512crypt": SALTED,
    "sha256crypt": "$5$saltsalt$" + "b" * 43,
    "sha1crypt": "$sha1$40000$jtNX3nZ2$hBNaIXkt4wBI2o5rsi8KejSjNqIq",
    "SunMD5": "$md5,rounds=5000$GUBv0xjJ$$mSwgIswdjlTY0YxV7HBVm0",
    "md5crypt": "$1$saltsalt$" + "c" * 22,
    "NT": "$3$$8846f7eaee8fb117ad06bdd830b7586c",
}
UNKNOWN_TO_SSH = {
    ("pkcs8", "X25519"): "spki:",
    ("pkcs8", "DSA"): "der:",
    ("traditional", "DSA"): "SHA256:",
}
"""How the fingerprints of such keys begin."""
ACCESS_KEY = "AKIA2E0A8F3B244C9986"
SECRET_KEY = "7CE556A3BC234CC1FF9E8A5C324C0BB70AA21B6Dxy"[:30] + "a+/bcdeFgh"


@dataclass(frozen=True, kw_only=True)
class Planted:
    """A secret as it stands in a file, and what is to be said of it."""

    text: bytes
    kind: Kind = Kind.PRIVATE_KEY
    what: str
    fingerprint: str = "keyed-"
    """Or how it begins."""
    is_encrypted: bool = False


def run(*command: str | Path, text: bytes = b"") -> bytes:
    if shutil.which(str(command[0])) is None:
        pytest.skip(f"{command[0]} is not installed")
    return subprocess.run(command, input=text, capture_output=True, check=True).stdout


@pytest.fixture(scope="session")
def planted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Planted]:
    """Return a secret of every kind, by name."""
    folder = tmp_path_factory.mktemp("keys")
    found = dict(_of_ssh(folder)) | dict(_of_openssl(folder)) | dict(_of_putty(folder))
    for scheme, text in HASHES.items():
        found[scheme] = Planted(
            text=f"root:!!{text}:19000:0:99999:7:::\n".encode(), kind=Kind.PASSWORD_HASH, what=scheme
        )
    found["credentials"] = Planted(
        text=f"[default]\naws_access_key_id = {ACCESS_KEY}\naws_secret_access_key = {SECRET_KEY}\n".encode(),
        kind=Kind.AWS_ACCESS_KEY,
        what="access key",
    )
    return found


def _of_ssh(folder: Path) -> Iterator[tuple[str, Planted]]:
    for kind, bits in (("ed25519", "256"), ("ecdsa", "521"), ("rsa", "3072")):
        for phrase in ("", "secret"):
            path = folder / f"{kind}{phrase}"
            run("ssh-keygen", "-q", "-t", kind, "-b", bits, "-N", phrase, "-C", "x", "-f", path)
            told = run("ssh-keygen", "-lf", path).split()[1].decode()
            what = "OPENSSH PRIVATE KEY"
            yield (
                f"OpenSSH {kind} {phrase}",
                Planted(text=path.read_bytes(), what=what, fingerprint=told, is_encrypted=bool(phrase)),
            )


def _of_openssl(folder: Path) -> Iterator[tuple[str, Planted]]:
    for kind, options, forms in (
        ("RSA", ("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"), ("pkcs8", "traditional")),
        ("EC", ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"), ("pkcs8", "traditional")),
        ("DSA", ("-paramfile", _dsa_parameters(folder)), ("pkcs8", "traditional")),
        ("ED25519", ("-algorithm", "ED25519"), ("pkcs8",)),
        ("X25519", ("-algorithm", "X25519"), ("pkcs8",)),
    ):
        key = run("openssl", "genpkey", *options)
        for form in forms:
            what = "PRIVATE KEY" if form == "pkcs8" else f"{kind} PRIVATE KEY"
            as_is = run("openssl", "pkey", *(["-traditional"] if form != "pkcs8" else []), text=key)
            told = UNKNOWN_TO_SSH.get((form, kind)) or fingerprint(folder, key)
            yield f"{form} {kind}", Planted(text=as_is, what=what, fingerprint=told)
            wrapped = run(
                "openssl",
                "pkey",
                "-aes128",
                "-passout",
                "pass:x",
                *(["-traditional"] if form != "pkcs8" else []),
                text=key,
            )
            what = "ENCRYPTED PRIVATE KEY" if form == "pkcs8" else what
            yield f"{form} {kind} encrypted", Planted(text=wrapped, what=what, is_encrypted=True)


def _dsa_parameters(folder: Path) -> str:
    run("openssl", "dsaparam", "-out", folder / "dsa", "1024")
    return str(folder / "dsa")


def fingerprint(folder: Path, key: bytes) -> str:
    """Return what ssh-keygen says of the public half of a key."""
    public = load_pem_public_key(run("openssl", "pkey", "-pubout", text=key))
    (folder / "public").write_bytes(public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH))
    return run("ssh-keygen", "-lf", folder / "public").split()[1].decode()


def _of_putty(folder: Path) -> Iterator[tuple[str, Planted]]:
    for version in ("2", "3"):
        for phrase in ("", "secret"):
            path, secret = folder / f"{version}{phrase}.ppk", folder / "phrase"
            secret.write_text(phrase)
            options = ("--ppk-param", f"version={version}", "--new-passphrase", secret)
            run("puttygen", folder / "ed25519", "-O", "private", *options, "-o", path)
            told = run("ssh-keygen", "-lf", folder / "ed25519.pub").split()[1].decode()
            yield (
                f"PuTTY {version} {phrase}",
                Planted(text=path.read_bytes(), what="PuTTY", fingerprint=told, is_encrypted=bool(phrase)),
            )


def mac(data: bytes) -> str:
    """Return a digest that shows that it was made so."""
    return f"keyed-{len(data)}"


def search(blocks: Blocks) -> Carved:
    return carve(Volume(name="disk", kind="ext4", state=State.READABLE, blocks=blocks), mac, disks=[("disk", blocks)])
