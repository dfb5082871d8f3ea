"""passwd, shadow, group and gshadow: password hashes become scheme, length and digest.

What is kept means the same to whoever reads password fields (facts/accounts.py): empty stays empty, a hash reads as
a hash, a lock in front of it stays, and whatever crypt never returns still reads as no password."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

from amigate.evidence.redaction.kept import Kept, Mac, line_by_line, placeholder

if TYPE_CHECKING:
    from collections.abc import Callable

# crypt(5): modular `$id$…`, and whatever else starts so, as the next libcrypt may know it; BSDi `_` and 19 characters,
# traditional DES with 13, bigcrypt with 11 more for each 8.
HASH = re.compile(r"\$.+|_[./0-9A-Za-z]{19}|[./0-9A-Za-z]{13}(?:[./0-9A-Za-z]{11})*", re.DOTALL)
LOCKS = "!*"
"""What is put in front of a hash so that no password works."""

# A number as the C library reads it: blanks, a sign and zeros in front.
NUMBER = re.compile(r"[ \t]*\+?0*([0-9]{1,10})")

_NAME = re.compile(r"[^\s:\x00-\x20\x7f]{1,256}")
NO_PASSWORD = re.compile(r"[!*]*+(?:x|NP|LK|LOCK)?[!*]*+")
"""What stands in a password field instead of one."""
_SCHEMES = "1|2|2[abxy]|3|5|6|7|8|y|gy|sha1|md5|argon2i|argon2d|argon2id|scrypt|sm3|sm3y"
_SCHEME = re.compile(rf"\$({_SCHEMES})(?=[$,])")
HIDDEN = re.compile(rf"\$(?:amigate|{_SCHEMES})[$,]")
"""A hash of modular form, whatever stands in front of it."""
_DATE = re.compile(r"-?[0-9]{0,10}\r?")
_MEMBERS = re.compile(r"[\w.@$,+-]{0,16384}\r?", re.ASCII)
_MOST_FIELDS = 12


def passwd(content: bytes, mac: Mac) -> Kept:
    """Keep passwd's names, numbers, homes and shells."""
    return line_by_line(content, partial(_account, mac=mac), mac)


def shadow(content: bytes, mac: Mac) -> Kept:
    """Keep shadow's names and dates."""
    return line_by_line(content, partial(_line, mac=mac, rest=_DATE), mac)


def groups(content: bytes, mac: Mac) -> Kept:
    """Keep the names, numbers and members of group and gshadow."""
    return line_by_line(content, partial(_line, mac=mac, rest=_MEMBERS), mac)


def password(text: str, mac: Mac) -> str:
    """Return what is kept of a password field."""
    if NO_PASSWORD.fullmatch(text):
        return text
    lock = "" if HASH.fullmatch(text) else text[: len(text) - len(text.lstrip(LOCKS))]
    rest = text[len(lock) :]
    if (hidden := HIDDEN.search(rest)) is not None and hidden.start() > 0:
        lock, rest = lock or LOCKS[1], rest[hidden.start() :]
    if not HASH.fullmatch(rest):
        return lock + placeholder(rest, mac)
    return f"{lock}$amigate${_scheme(rest)}${len(rest)}${mac(rest.encode('utf-8', 'surrogateescape'))}"


def _scheme(text: str) -> str:
    if text.startswith("$"):
        known = _SCHEME.match(text)
        return known[1] if known else "unknown"
    return "bsdi" if text.startswith("_") else "des"


def _account(line: str, mac: Mac) -> str | None:
    name, secret, uid, gid, _, home, shell = [*line.lstrip(" \t").split(":", 6), *[""] * 6][:7]
    if name[:1] in {"+", "-"}:
        return f"{name[0]}::::::"  # accounts of NIS: that there are some
    if not (NUMBER.fullmatch(uid) and NUMBER.fullmatch(gid)):
        return "#" if name.startswith("#") else None
    if not _NAME.fullmatch(name):
        return None
    if secret.startswith("##"):
        kept = secret if secret == f"##{name}" else "##" + placeholder(secret, mac)
    else:
        kept = password(secret, mac)
    return f"{name}:{kept}:{uid}:{gid}::{home}:{shell}"


def _line(line: str, mac: Mac, rest: re.Pattern[str]) -> str | None:
    name, colon, fields = line.lstrip(" \t").partition(":")
    if not name or not colon:
        return None
    secret, *others = fields.split(":")[:_MOST_FIELDS]
    keep: Callable[[str], str] = lambda text: text if rest.fullmatch(text) else placeholder(text, mac)  # noqa: E731
    shown = name if _NAME.fullmatch(name) else placeholder(name, mac)
    return ":".join([shown, password(secret, mac), *map(keep, others)])
