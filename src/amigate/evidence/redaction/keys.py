"""Public keys: authorized_keys and what `ssh-keygen -y` prints."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from functools import partial

from amigate.evidence.redaction.kept import Kept, Mac, UnknownFormError, decoded, encoded, line_by_line, placeholder

# Type and blob, sshd(8), AUTHORIZED_KEYS FILE FORMAT; options in front of them hold blanks only within quotes.
_KEY = re.compile(
    r"(?P<type>(?:sk-|webauthn-sk-)?(?:ssh|ecdsa)-[\w@.-]+)[ \t]+(?P<blob>[A-Za-z0-9+/]{40,}={0,3})(?=\s|$)"
)
# As sshd scans them, without a second try: a line of an image's must not take longer than its length.
_OPTIONS = re.compile(r'(?:\\"|"(?:\\"|[^"])*+"|[^ \t"])++[ \t]++')

_OPTION = re.compile(r'(?P<name>[A-Za-z0-9-]{1,40})(?:=(?P<value>"(?:\\"|[^"])*+"))?(?P<end>,|$)')
_OPEN_VALUES = {"from", "principals", "permitopen", "permitlisten", "expiry-time", "tunnel"}
_OPEN_VALUE = re.compile(r'"[\w.,*?!:/\[\]@%+ -]{0,4096}"', re.ASCII)
_CLOUD_INIT = re.compile(
    r'"echo \'Please login as the user \\"[\w.$-]{1,64}\\" rather than the user \\"(?:root|\$DISABLE_USER)\\"\.\';'
    r'echo;sleep 10(?:;exit 142)?"',
    re.ASCII,
)
"""What cloud-init forces on root's key, https://github.com/canonical/cloud-init (disable_root_opts)."""
_COMMENT = re.compile(r"[\w.@:+-]{1,100}", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class KeyLine:
    """A line of a key file that sshd might accept."""

    options: str
    """As written, without the blanks behind them."""
    type: str
    blob: str
    """Base64."""
    comment: str

    @property
    def fingerprint(self) -> str:
        """As `ssh-keygen -l` prints it."""
        return fingerprint(base64.b64decode(self.blob))


def fingerprint(blob: bytes) -> str:
    """Return a public key's fingerprint as `ssh-keygen -l` prints it."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


def key_line(line: str) -> KeyLine | None:
    """Return the key as sshd finds it: at the beginning, else behind one list of options; None without one."""
    line = line.lstrip(" \t")
    options = _OPTIONS.match(line)
    for start in (0, options.end() if options else 0):
        if (match := _KEY.match(line, start)) is None:
            continue
        try:
            blob = base64.b64decode(match["blob"], validate=True)
        except binascii.Error:
            continue
        length = int.from_bytes(blob[:4], "big")
        if blob[4 : 4 + length] == match["type"].encode():
            given = line[:start].rstrip(" \t")
            return KeyLine(options=given, type=match["type"], blob=match["blob"], comment=line[match.end() :].strip())
    return None


def authorized_keys(content: bytes, mac: Mac) -> Kept:
    """Keep the keys, their options and one-word comments; a line in no known form stays a line in no known form."""
    return line_by_line(content, partial(_authorized, mac=mac), mac)


def public_key(content: bytes, mac: Mac) -> Kept:
    """Keep one public key; raises UnknownFormError for anything else, other than nothing at all."""
    lines = [line for line in decoded(content).split("\n") if line.strip()]
    kept = [_authorized(line, mac) for line in lines]
    if len(kept) > 1 or None in kept or any(line.startswith("#") for line in lines):
        raise UnknownFormError
    return Kept(content=encoded("".join(f"{line}\n" for line in kept)))


def _authorized(line: str, mac: Mac) -> str | None:
    if line.lstrip().startswith("#"):
        return "#"
    key = key_line(line)
    if key is None:
        return None
    comment = key.comment if _COMMENT.fullmatch(key.comment) else key.comment and placeholder(key.comment, mac)
    return " ".join(filter(None, [options(key.options, mac), key.type, key.blob, comment]))


def options(text: str, mac: Mac) -> str:
    """Return the options by name; values only where they are addresses, names or times, or cloud-init's own."""
    kept, at = [], 0
    while at < len(text):
        option = _OPTION.match(text, at)
        if option is None:
            return placeholder(text, mac)
        kept.append(option["name"] + _value(option["name"].lower(), option["value"], mac))
        at = option.end()
    return ",".join(kept)


def _value(name: str, value: str | None, mac: Mac) -> str:
    if value is None:
        return ""
    is_open = (
        _OPEN_VALUE.fullmatch(value) if name in _OPEN_VALUES else name == "command" and _CLOUD_INIT.fullmatch(value)
    )
    return f"={value}" if is_open else f'="{placeholder(value, mac)}"'
