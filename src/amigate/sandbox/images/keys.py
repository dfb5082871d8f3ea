"""Made-up credentials that defects leave in images; they open nothing outside the sandbox."""

from __future__ import annotations

import hashlib

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

SHARED_PASSWORD_HASH = (
    "$6$golden$cK//v7L4xnAl4Dq6GGDefhOpnQzNzYu2UfV3zQhQ8sXpvzSa6a8yurg.qkKGIJSEZ6ch8mhIo7Vf6t072CNd31"  # noqa: S105 - made up, and meant to be found
)
"""A SHA-512 crypt hash, as crypt(5) writes it."""

_PrivateKey = ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


def builder_key() -> ed25519.Ed25519PrivateKey:
    """Return the private key that the builder of a leaky image kept; the same in every run."""
    seed = hashlib.sha256(b"amigate sandbox: the key a builder forgot").digest()
    return ed25519.Ed25519PrivateKey.from_private_bytes(seed)


def builder_public_key(comment: str) -> str:
    """Return the builder's line for an authorized_keys file."""
    return f"{_public(builder_key())} {comment}"


def host_keys() -> dict[str, tuple[str, str]]:
    """Make new host keys: kind to private key in OpenSSH's format and public key without comment."""
    made: dict[str, _PrivateKey] = {
        "ecdsa": ec.generate_private_key(ec.SECP256R1()),
        "ed25519": ed25519.Ed25519PrivateKey.generate(),
        "rsa": rsa.generate_private_key(public_exponent=65537, key_size=3072),
    }
    return {kind: (_private(key), _public(key)) for kind, key in made.items()}


def _private(key: _PrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()


def _public(key: _PrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
