"""What a change would do to a file, as a unified diff in which no secret shows."""

from __future__ import annotations

import base64
import difflib
import hashlib
import posixpath
import re

_PASSWORD_FILES = {"shadow": 9, "gshadow": 4, "passwd": 7, "group": 4}
"""Files whose second field is a password, and how many fields a line of theirs has."""

_HARMLESS = re.compile(r"x|[!*]*|\*[A-Z]{1,5}\*?")
"""Second fields that are shown as they are."""

_HASH = re.compile(r"\$[0-9A-Za-z]{1,8}\$[./0-9A-Za-z$=,-]+")
_KEY = re.compile(r"AAAA[0-9A-Za-z+/]{40,}={0,3}")
_PRIVATE = re.compile(r"(-----BEGIN [A-Z ]*PRIVATE KEY-----)\n.*?(-----END|\Z)", re.DOTALL)


def unified(path: str, before: str | None, after: str | None) -> str:
    """Return the diff from `before` to `after`; None is a file that is not there."""
    old, new = (redact(path, text or "").splitlines() for text in (before, after))
    lines = difflib.unified_diff(
        old,
        new,
        "/dev/null" if before is None else path,
        "/dev/null" if after is None else path,
        lineterm="",
        n=1,
    )
    return "\n".join(_shown(line) for line in lines)


def redact(path: str, text: str) -> str:
    """Return `text`, the content of `path`, without password hashes and private keys; public keys as fingerprints.

    What differs in a secret still differs in what is shown, for the fields of password files only by kind."""
    if fields := _PASSWORD_FILES.get(_stem(path)):
        text = "\n".join(_without_password(line, fields) for line in text.splitlines())
    elif _stem(path) == "opasswd":
        text = "\n".join(f"{line.partition(':')[0]}:<old hashes>" for line in text.splitlines())
    text = _PRIVATE.sub(r"\1\n<secret>\n\2", text)
    text = _HASH.sub("<hash>", text)
    return _KEY.sub(lambda match: fingerprint(match[0]), text)


def fingerprint(blob: str) -> str:
    """Return the SHA256 fingerprint of a public key, as `ssh-keygen -l` prints it."""
    try:
        raw = base64.b64decode(blob, validate=True)
    except ValueError:
        return "<no key>"
    return "SHA256:" + base64.b64encode(hashlib.sha256(raw).digest()).decode("ascii").rstrip("=")


def _stem(path: str) -> str:
    """Return `shadow` for shadow, shadow-, shadow~ and shadow.bak."""
    return re.split(r"[-.~]", posixpath.basename(path), maxsplit=1)[0]


def _without_password(line: str, count: int) -> str:
    fields = line.split(":")
    if len(fields) == count and not _HARMLESS.fullmatch(fields[1]):
        locked = re.match("[!*]*", fields[1])
        fields[1] = f"{locked[0] if locked else ''}<hash>"
    elif len(fields) == count and not fields[1]:
        fields[1] = "<empty>"
    return ":".join(fields) if len(fields) == count else "<line that is none of this file's>"


def _shown(line: str) -> str:
    return "".join(c if c.isprintable() or c == "\t" else f"\\x{ord(c):02x}" for c in line)
