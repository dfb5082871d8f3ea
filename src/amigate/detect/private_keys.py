"""Private keys in bytes: PEM and OpenSSH, OpenPGP armour, PuTTY, SSH 1, and those of GnuPG's agent.

A header alone is no key, as many programs hold it as a word: what follows has to be one. RFC 7468 and RFC 1421 (PEM),
https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.key, RFC 9580 (OpenPGP),
https://the.earth.li/~sgtatham/putty/0.81/htmldoc/AppendixC.html (PuTTY),
https://github.com/gpg/gnupg/blob/master/agent/keyformat.txt (GnuPG)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from amigate.detect.armour import decoded_body, passphrase_headers
from amigate.detect.hits import Hit, Sort
from amigate.detect.public_half import of_openssh, of_pem, of_putty

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_BYTES = 32 * 1024
"""Of one key with its frame; one of 16384 bits has 18 KiB."""

_BEGIN = re.compile(rb"-----BEGIN (?P<label>(?:[A-Z0-9]{1,12} ){0,2}PRIVATE KEY(?: BLOCK)?)-----")
_BEGIN_SSH2 = re.compile(rb"---- BEGIN (?P<label>SSH2 (?:ENCRYPTED )?PRIVATE KEY) ----")
_LONGEST_BEGIN = 64
_LEAST_BYTES = 32
"""Of a key: the shortest there is has 48."""
_LEAST_OPAQUE_BYTES = 80
"""Of one that does not tell its length; the examples of documentation break off before."""
_SECRET_TAGS = {5, 7}
"""Packets of OpenPGP that hold secret keys, RFC 9580 section 5."""

_PUTTY = re.compile(
    rb"PuTTY-User-Key-File-[123]: [a-z0-9@.-]{1,64}\r?\nEncryption: (?P<cipher>[a-z0-9-]{1,32})\r?\n"
    rb"Comment: [^\n]{0,1024}\nPublic-Lines: \d{1,3}\r?\n(?P<public>(?:[A-Za-z0-9+/=]{1,80}\r?\n){1,200})"
    rb"(?:[A-Z][A-Za-z0-9-]{1,30}: [^\n]{1,128}\n){0,8}Private-Lines: \d{1,3}\r?\n[A-Za-z0-9+/=]{16}"
)
_SSH1 = b"SSH PRIVATE KEY FILE FORMAT 1.1\n\0"
_GNUPG = re.compile(
    rb"\((?:11:private-key|(?P<protected>21:protected-private-key))\(\d:[a-z0-9]{3,9}\((?:5:curve|1:[a-z])\d{1,4}:"
)
_GNUPG_TEXT = re.compile(rb"(?:^|\n)Key: \((?P<protected>protected-)?private-key[\s(]{1,40}[a-z0-9]{3,9}[\s(]{1,40}")


def private_keys(data: bytes, start: int, end: int) -> Iterator[Hit]:
    """Yield the private keys in `data` that begin from `start` up to `end`; they may reach beyond it."""
    yield from _framed(data, start, end)
    yield from _of_putty(data, start, end)
    for at in _places(data, _SSH1, start, end):
        yield Hit(sort=Sort.PRIVATE_KEY, offset=at, detail="a private key of SSH protocol 1")
    yield from _of_gnupg(data, start, end)


def _places(data: bytes, literal: bytes, start: int, end: int) -> Iterator[int]:
    at = data.find(literal, start, end + len(literal) - 1)
    while at >= 0:
        yield at
        at = data.find(literal, at + 1, end + len(literal) - 1)


def _framed(data: bytes, start: int, end: int) -> Iterator[Hit]:
    for at in _places(data, b"PRIVATE KEY", start, end + _LONGEST_BEGIN):
        for begin, form in ((b"-----BEGIN ", _BEGIN), (b"---- BEGIN ", _BEGIN_SSH2)):
            first = data.rfind(begin, max(0, at - _LONGEST_BEGIN), at)
            if start <= first < end and (match := form.match(data, first)) is not None:
                found = framed_key(match["label"].decode("ascii"), data[match.end() : match.end() + MOST_BYTES])
                if found is not None:
                    yield Hit(sort=Sort.PRIVATE_KEY, offset=first, detail=found.detail, fingerprint=found.fingerprint)


@dataclass(frozen=True, kw_only=True)
class FramedKey:
    """A private key between a BEGIN and an END, or up to where it is cut off."""

    label: str
    is_encrypted: bool | None
    """Whether a passphrase protects it; None where that cannot be told."""
    is_whole: bool
    type: str = ""
    fingerprint: str = ""

    @property
    def detail(self) -> str:
        """What it is, in words."""
        kind = self.label.removesuffix(" BLOCK").removesuffix("PRIVATE KEY").strip()
        named = " ".join(filter(None, ["a private key", f"({', '.join(filter(None, [kind, self.type]))})"]))
        named = named.removesuffix(" ()")
        locked = {True: " behind a passphrase", False: " without a passphrase", None: ""}[self.is_encrypted]
        return f"{named}{locked}{'' if self.is_whole else ', cut off'}"


def framed_key(label: str, rest: bytes) -> FramedKey | None:
    """Return what key `rest` begins with, which followed a BEGIN with `label`; None where it is none."""
    body = rest.partition(b"-----END")[0].partition(b"---- END")[0]
    headers, data = decoded_body(body)
    if len(data) < _LEAST_BYTES:
        return None
    if label.startswith("OPENSSH"):
        return _openssh(label, data)
    is_openpgp, is_locked = label.endswith("BLOCK"), passphrase_headers(headers)
    if not (is_openpgp or is_locked or label.startswith("SSH2")):
        return _der(label, data)
    if len(data) < _LEAST_OPAQUE_BYTES or (is_openpgp and not _is_secret(data)):
        return None
    return FramedKey(label=label, is_encrypted=is_locked or None, is_whole=len(body) < len(rest))


def _openssh(label: str, data: bytes) -> FramedKey | None:
    told = of_openssh(data)
    if told is None or not told.has_private_half:
        return None
    return FramedKey(
        label=label,
        is_encrypted=told.is_encrypted,
        is_whole=told.is_whole,
        type=told.type,
        fingerprint=told.fingerprint,
    )


def _der(label: str, data: bytes) -> FramedKey | None:
    """Read what is no more than the frame of a key in DER (RFC 8017, 5915, 5958): a sequence, and what it begins with.

    One that is whole is asked for its public half."""
    head = _sequence(data)
    if head is None:
        return None
    begin, length = head
    encrypted = label.startswith("ENCRYPTED")
    if not (data[begin : begin + 2] == b"\x02\x01" or (data[begin : begin + 1] == b"\x30" and encrypted)):
        return None
    if length > 2 * (len(data) - begin):
        return None  # the public half comes first, and an example in documentation has not even that
    whole = begin + length <= len(data)
    told = of_pem(label, data[: begin + length]) if whole and not encrypted else None
    return FramedKey(
        label=label,
        is_encrypted=encrypted,
        is_whole=whole,
        type=told.type if told else "",
        fingerprint=told.fingerprint if told else "",
    )


def _sequence(data: bytes) -> tuple[int, int] | None:
    """Return where the content of a DER sequence begins, and its length; None where `data` begins with none."""
    if data[:1] != b"\x30" or len(data) < 2:  # noqa: PLR2004 - tag and length
        return None
    if data[1] < 0x80:  # noqa: PLR2004 - the short form
        return 2, data[1]
    count = data[1] & 0x7F
    if not 1 <= count <= 3 or len(data) < 2 + count:  # noqa: PLR2004 - three bytes of length are 16 MiB
        return None
    return 2 + count, int.from_bytes(data[2 : 2 + count], "big")


def _is_secret(data: bytes) -> bool:
    """Whether `data` begins with a packet of OpenPGP that holds a secret key."""
    tag = data[0] & 0x3F if data[0] & 0x40 else (data[0] >> 2) & 0x0F
    return bool(data[0] & 0x80) and tag in _SECRET_TAGS


def _of_putty(data: bytes, start: int, end: int) -> Iterator[Hit]:
    for at in _places(data, b"PuTTY-User-Key-File-", start, end):
        if (match := _PUTTY.match(data, at, at + MOST_BYTES)) is not None:
            told = of_putty(match["public"])
            locked = "without a passphrase" if match["cipher"] == b"none" else "behind a passphrase"
            yield Hit(
                sort=Sort.PRIVATE_KEY,
                offset=at,
                detail=f"a private key (PuTTY{', ' + told.type if told else ''}) {locked}",
                fingerprint=told.fingerprint if told else "",
            )


def _of_gnupg(data: bytes, start: int, end: int) -> Iterator[Hit]:
    for literal, form, before in ((b"private-key(", _GNUPG, 24), (b"private-key", _GNUPG_TEXT, 18)):
        for at in _places(data, literal, start, end + before):
            match = form.search(data, max(0, at - before), at + 128)
            if match is not None and start <= match.start() < end and match.start() <= at < match.end():
                locked = " behind a passphrase" if match["protected"] else " without a passphrase"
                yield Hit(sort=Sort.PRIVATE_KEY, offset=match.start(), detail=f"a private key (GnuPG){locked}")
