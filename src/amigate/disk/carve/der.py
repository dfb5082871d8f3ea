"""The structure of private keys in DER (X.690), also of those that break off.

PKCS#1 is RFC 8017, PKCS#8 RFC 5958, EC keys RFC 5915; DSA keys are as OpenSSL writes them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

_INTEGER, _OCTETS, _OID, _SEQUENCE = 0x02, 0x04, 0x06, 0x30
_LONG = 0x80
_MOST_LENGTH_BYTES = 3
_LEAST_SECRET_BYTES = 32
"""Of a key that breaks off, for it to be worth anything."""
_MOST_CHILDREN = 12
_VERSIONS = (b"\0", b"\1")
_RSA_CHILDREN, _DSA_CHILDREN = (9, 10), 6
_RSA = (_INTEGER, _INTEGER, _INTEGER, _INTEGER)
_DSA = (_INTEGER,) * _DSA_CHILDREN


class Element(NamedTuple):
    """A value with its tag; `end` may be beyond the end of the data."""

    tag: int
    begin: int
    end: int


@dataclass(frozen=True, kw_only=True)
class Key:
    """A private key, by its structure."""

    form: str
    """`pkcs1`, `dsa`, `ec`, `pkcs8` or `encrypted`."""
    public: tuple[bytes, ...] = ()
    """Of RSA modulus and exponent, of DSA p, q, g and y, each as an integer of DER."""
    algorithm: bytes = b""
    """Of PKCS#8, the object identifier."""
    length: int
    """Bytes of the whole key."""
    is_whole: bool


def private_key(data: bytes, *, is_inner: bool = False) -> Key | None:
    """Return what private key begins with the data; None where there is none, or nothing secret of it is left.

    One that is the content of another is no PKCS#8 itself."""
    outer = _element(data, 0)
    if outer is None or outer.tag != _SEQUENCE:
        return None
    children = _children(data, outer)
    tags = tuple(child.tag for child in children)
    is_whole = outer.end <= len(data)
    if is_whole and (not children or children[-1].end != outer.end):
        return None
    if tags[:1] == (_INTEGER,) and data[children[0].begin : children[0].end] not in _VERSIONS:
        return None
    for form, secret, shape in (
        ("pkcs8", 2, (_INTEGER, _SEQUENCE, _OCTETS)),
        ("encrypted", 1, (_SEQUENCE, _OCTETS)),
        ("ec", 1, (_INTEGER, _OCTETS)),
        ("dsa", 5, _DSA),
        ("pkcs1", 3, _RSA),
    ):
        if form == "pkcs8" and is_inner:
            continue
        if tags[: len(shape)] == shape and _fits(form, len(tags), is_whole=is_whole):
            return _key(data, form, children, children[secret], outer)
    return None


def _fits(form: str, count: int, *, is_whole: bool) -> bool:
    """Whether a key of that form has so many parts."""
    match form:
        case "dsa":
            return count == _DSA_CHILDREN
        case "pkcs1":
            return count in _RSA_CHILDREN or not is_whole
        case _:
            return True


def _key(data: bytes, form: str, children: list[Element], secret: Element, outer: Element) -> Key | None:
    left = min(secret.end, len(data)) - secret.begin
    if form == "pkcs8" and data[secret.begin : secret.begin + 1] == bytes([_SEQUENCE]):
        inner = private_key(data[secret.begin : secret.end], is_inner=True)
        if inner is None or inner.form == "pkcs1":
            return inner and replace(inner, form=form, length=outer.end, is_whole=outer.end <= len(data))
    if outer.end > len(data) and left < _LEAST_SECRET_BYTES and left < secret.end - secret.begin:
        return None
    public: tuple[bytes, ...] = ()
    algorithm = b""
    if form in {"pkcs1", "dsa"}:
        public = tuple(data[each.begin : each.end] for each in children[1 : 3 if form == "pkcs1" else 5])
    elif form in {"pkcs8", "encrypted"}:
        name = _element(data, children[0 if form == "encrypted" else 1].begin)
        if name is None or name.tag != _OID:
            return None
        algorithm = data[name.begin : name.end]
    return Key(form=form, public=public, algorithm=algorithm, length=outer.end, is_whole=outer.end <= len(data))


def _children(data: bytes, outer: Element) -> list[Element]:
    """Return the elements in a sequence, up to one that breaks off."""
    found: list[Element] = []
    at = outer.begin
    while at < min(outer.end, len(data)) and len(found) <= _MOST_CHILDREN:
        child = _element(data, at)
        if child is None or child.end > outer.end:
            break
        found.append(child)
        at = child.end
    return found


def _element(data: bytes, at: int) -> Element | None:
    """Return the element at `at`; None where that is none."""
    if at + 2 > len(data):
        return None
    tag, length, begin = data[at], data[at + 1], at + 2
    if length & _LONG:
        count = length & ~_LONG
        if not 0 < count <= _MOST_LENGTH_BYTES or begin + count > len(data):
            return None
        length = int.from_bytes(data[begin : begin + count], "big")
        begin += count
    return Element(tag, begin, begin + length)
