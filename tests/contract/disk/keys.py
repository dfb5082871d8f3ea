"""Files of private keys of every kind that is looked for, by the libraries and tools that make them."""

from __future__ import annotations

import base64
import bz2
import gzip
import lzma
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa, x25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)

from .images import Key

if TYPE_CHECKING:
    from collections.abc import Callable

    from .conftest import Bench

_OPEN, _LOCKED = NoEncryption(), BestAvailableEncryption(b"a passphrase")
_PEM, _DER = Encoding.PEM, Encoding.DER
_PKCS1, _PKCS8, _OPENSSH = PrivateFormat.TraditionalOpenSSL, PrivateFormat.PKCS8, PrivateFormat.OpenSSH


def every_key() -> dict[str, bytes]:
    """Return private keys by the names of files: each a key of its own, in the forms that libraries write."""
    named: dict[str, tuple[Encoding, PrivateFormat, KeySerializationEncryption]] = {
        "pkcs1": (_PEM, _PKCS1, _OPEN),
        "pkcs1-locked": (_PEM, _PKCS1, _LOCKED),
        "pkcs8": (_PEM, _PKCS8, _OPEN),
        "pkcs8-locked": (_PEM, _PKCS8, _LOCKED),
        "der.pem": (_DER, _PKCS8, _OPEN),
    }
    shared = dsa.generate_parameters(1024)
    made: dict[str, Callable[[], rsa.RSAPrivateKey | dsa.DSAPrivateKey | ec.EllipticCurvePrivateKey]] = {
        "rsa": lambda: rsa.generate_private_key(65537, 2048),
        "dsa": shared.generate_private_key,
        "ec": lambda: ec.generate_private_key(ec.SECP256R1()),
    }
    found = {
        f"{kind}-{name}": make().private_bytes(*form) for kind, make in made.items() for name, form in named.items()
    }
    for name, form in named.items():
        if not name.startswith("pkcs1"):
            found[f"ed25519-{name}"] = ed25519.Ed25519PrivateKey.generate().private_bytes(*form)
            found[f"x25519-{name}"] = x25519.X25519PrivateKey.generate().private_bytes(*form)
    return found | {f"{kind}-openssh": made[kind]().private_bytes(_PEM, _OPENSSH, _OPEN) for kind in ("rsa", "ec")}


def unnamed() -> dict[str, bytes]:
    """Return keys in forms that memory and scripts hold: without the line that says what they are."""
    text = Key("without a first line").private.split("\n")
    return {
        "raw": base64.b64decode("".join(Key("raw").private.split("\n")[1:-2])),
        "without-a-first-line": "\n".join(text[1:-2]).encode(),
    }


def initramfs(bench: Bench) -> dict[str, bytes]:
    """Return an initramfs with a host key for each program that packs them."""
    content = {name: archive(Key(f"initramfs of {name}").private.encode()) for name in ("gzip", "xz", "bzip2", "zstd")}
    plain = bench.folder / "initramfs"
    plain.write_bytes(content["zstd"])
    bench.run("zstd", "-q", "-f", plain)
    return {
        "gzip": gzip.compress(content["gzip"]),
        "xz": lzma.compress(content["xz"], check=lzma.CHECK_CRC32),
        "bzip2": bz2.compress(content["bzip2"]),
        "zstd": plain.with_suffix(".zst").read_bytes(),
    }


def archive(key: bytes) -> bytes:
    """Return an archive of cpio (newc) with one host key."""
    files = {"etc/dropbear/dropbear_ed25519_host_key": key, "TRAILER!!!": b""}
    made = b""
    for name, content in files.items():
        numbers = [0, 0o100600, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name) + 1, 0]
        made += b"070701" + b"".join(b"%08X" % number for number in numbers) + name.encode() + b"\0"
        made += b"\0" * (-len(made) % 4) + content
        made += b"\0" * (-len(made) % 4)
    return made
