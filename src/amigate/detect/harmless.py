"""Whether a content is public by what it is: certificates, public keys, public keyrings, trust stores, nothing."""

from __future__ import annotations

import re

from amigate.evidence.redaction.keys import key_line

_BEGIN = re.compile(rb"-----BEGIN ([A-Z0-9 ]{1,64})-----")
_PUBLIC = {
    b"CERTIFICATE",
    b"TRUSTED CERTIFICATE",
    b"X509 CERTIFICATE",
    b"CERTIFICATE REQUEST",
    b"NEW CERTIFICATE REQUEST",
    b"X509 CRL",
    b"PKCS7",
    b"PUBLIC KEY",
    b"RSA PUBLIC KEY",
    b"DH PARAMETERS",
    b"EC PARAMETERS",
    b"DSA PARAMETERS",
    b"PGP PUBLIC KEY BLOCK",
    b"PGP SIGNATURE",
    b"PGP SIGNED MESSAGE",
}
"""Labels of RFC 7468 and RFC 9580 behind which nothing is secret."""
_PUBLIC_PACKETS = {2, 6, 10, 12, 13, 14, 17}
"""Packets of a public keyring, RFC 9580 section 5: signatures, public keys, markers, trust, names, attributes."""
_FIRST_OF_KEYRING = {6}
_KEYBOX = b"KBXf"
"""GnuPG's store of public keys, https://github.com/gpg/gnupg/blob/master/kbx/keybox-blob.c."""
_JKS = b"\xfe\xed\xfe\xed"
_MOST_ITEMS = 100_000


def has_harmless_content(name: str, content: bytes) -> bool:
    """Whether all of `content`, of a file called `name`, is public by its form."""
    if not content.strip(b"\0 \t\r\n"):
        return True
    if name.startswith("authorized_keys"):
        return all(not line.strip() or line.lstrip().startswith(b"#") for line in content.split(b"\n"))
    return _is_pem(content) or _is_public_keys(content) or _is_keyring(content) or _is_trust_store(content)


def _is_pem(content: bytes) -> bool:
    labels = [match[1] for match in _BEGIN.finditer(content)]
    return bool(labels) and all(label in _PUBLIC for label in labels)


def _is_public_keys(content: bytes) -> bool:
    lines = [line.decode("latin-1") for line in content.split(b"\n") if line.strip() and not line.startswith(b"#")]
    return len(lines) < _MOST_ITEMS and all(key_line(line) is not None for line in lines)


def _is_keyring(content: bytes) -> bool:
    if content[8:12] == _KEYBOX:
        return True
    at = 0
    tags: list[int] = []
    while at < len(content) and len(tags) < _MOST_ITEMS:
        packet = _packet(content, at)
        if packet is None or packet[0] not in _PUBLIC_PACKETS:
            return False
        tags.append(packet[0])
        at = packet[1]
    return at == len(content) and bool(tags) and tags[0] in _FIRST_OF_KEYRING


def _packet(content: bytes, at: int) -> tuple[int, int] | None:
    """Return tag and end of the packet of OpenPGP at `at`; None for one that is no such, or of no known length."""
    head = content[at]
    if not head & 0x80:
        return None
    if not head & 0x40:
        width = (1, 2, 4, 0)[head & 3]
        length = int.from_bytes(content[at + 1 : at + 1 + width], "big")
        return ((head >> 2) & 0x0F, at + 1 + width + length) if width else None
    first = content[at + 1] if at + 1 < len(content) else 255
    match first:
        case _ if first < 192:  # noqa: PLR2004 - RFC 9580 section 4.2.1
            return head & 0x3F, at + 2 + first
        case _ if first < 224:  # noqa: PLR2004
            second = content[at + 2] if at + 2 < len(content) else 0
            return head & 0x3F, at + 3 + ((first - 192) << 8) + second + 192
        case 255:
            return head & 0x3F, at + 6 + int.from_bytes(content[at + 2 : at + 6], "big")
        case _:
            return None


def _is_trust_store(content: bytes) -> bool:
    """Whether a Java key store (JKS) holds certificates alone: each entry tells which of the two it is."""
    if content[:4] != _JKS:
        return False
    version, count = (int.from_bytes(content[at : at + 4], "big") for at in (4, 8))
    at = 12
    for _ in range(min(count, _MOST_ITEMS + 1)):
        if int.from_bytes(content[at : at + 4], "big") != 2:  # noqa: PLR2004 - a trusted certificate
            return False
        at = _skipped(content, at + 4, 2) + 8
        at = _skipped(content, at, 2) if version == 2 else at  # noqa: PLR2004 - the type of the certificate
        at = _skipped(content, at, 4)
        if at > len(content):
            return False
    return 0 < count <= _MOST_ITEMS


def _skipped(content: bytes, at: int, width: int) -> int:
    """Return where what has its length in front, `width` bytes of it, ends."""
    return at + width + int.from_bytes(content[at : at + width], "big")
