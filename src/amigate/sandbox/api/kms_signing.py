"""Signatures of whole messages and of digests; moto signs a digest as if it were a message.

https://docs.aws.amazon.com/kms/latest/APIReference/API_Sign.html"""

from __future__ import annotations

import hashlib
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, utils

_HASHES = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}


def digest_of(message: bytes, algorithm: str) -> bytes:
    """Return what is signed of a message."""
    return hashlib.new(f"sha{algorithm[-3:]}", message).digest()


def fits(digest: bytes, algorithm: str) -> bool:
    """Whether a digest is as long as the algorithm's."""
    return len(digest) == _HASHES[algorithm[-3:]].digest_size


def sign(private_key: Any, digest: bytes, algorithm: str) -> bytes:
    """Sign a digest, by one of KMS's signing algorithms that fits the key."""
    made: bytes = private_key.sign(digest, *_scheme(algorithm))
    return made


def verify(private_key: Any, digest: bytes, algorithm: str, signature: bytes) -> bool:
    """Whether the signature is this key's for the digest."""
    try:
        private_key.public_key().verify(signature, digest, *_scheme(algorithm))
    except InvalidSignature:
        return False
    return True


def _scheme(algorithm: str) -> tuple[Any, ...]:
    """Return the arguments of cryptography's sign and verify that follow the digest."""
    own = _HASHES[algorithm[-3:]]
    hashed = utils.Prehashed(own)
    if algorithm.startswith("ECDSA"):
        return (ec.ECDSA(hashed),)
    if algorithm.startswith("RSASSA_PSS"):
        return padding.PSS(mgf=padding.MGF1(own), salt_length=own.digest_size), hashed
    return padding.PKCS1v15(), hashed
