"""What the serial console says; the image's word, so hostile."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from contextlib import suppress
from itertools import islice

from amigate.detect.hits import DETECTORS_VERSION, Sort
from amigate.detect.scan import scan_log, scan_pieces
from amigate.evidence.model import CONSOLE, Found, Searched

CONSOLE_CAP_CHARS = 512 * 1024
"""EC2 keeps 64 KiB; no more is read than this."""
MOST_KEYS = 32
MOST_SECRETS = 20
TAIL_LINES = 40
TAIL_LINE_CHARS = 200

BEGIN, END = "-----BEGIN SSH HOST KEY KEYS-----", "-----END SSH HOST KEY KEYS-----"
"""Around the keys, written by cloud-init and by images that do as it does."""
KEY = re.compile(r"(?:ssh-|ecdsa-|sk-)[!-~]{1,60} (AAAA[A-Za-z0-9+/=]{40,2000})(?![A-Za-z0-9+/=])")
ESCAPE = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor
    r"|\x1b[\]PX^_][^\x07\x1b\n]{0,300}(?:\x07|\x1b\\)?"  # OSC, DCS and the like, up to their end
    r"|\x1b[ -/]*[0-~]?"
)


SECRET = re.compile(
    r"passw|secret|token|credential|api.?key|PRIVATE KEY|AKIA|ASIA|\$[0-9a-z]{1,8}\$|^[A-Za-z0-9+/=]{60,76}$",
    re.IGNORECASE,
)
"""Words beside secrets, hashes of crypt(5), and what may be the body of a key."""


PASSWORD = re.compile(
    r"(?<![\w-])pass(?:word|wd|phrase)?(?![\w-])[^\n:=]{0,60}?(?:[:=]|\bis\b)[ \t]*[\"']?"
    r"(?!(?:disabled|enabled|locked|set|required|not|expired|empty|unchanged|no|yes|off|on|false|true|is|now)\b)"
    r"[^\s\"'*:]{4,}|following 'random' passwords",
    re.IGNORECASE,
)
"""What first-boot scripts say when they have set one, and cloud-init."""


def console_host_keys(console: str) -> set[str]:
    """Return the SHA256 fingerprints of the host keys that the console published; empty when none were."""
    fingerprints: set[str] = set()
    for block in console[:CONSOLE_CAP_CHARS].split(BEGIN)[1:]:
        keys, end, _ = block.partition(END)
        for encoded in KEY.findall(keys) if end else ():
            if len(fingerprints) == MOST_KEYS:
                return fingerprints
            with suppress(binascii.Error):
                digest = hashlib.sha256(base64.b64decode(encoded, validate=True)).digest()
                fingerprints.add("SHA256:" + base64.b64encode(digest).decode("ascii").rstrip("="))
    return fingerprints


def console_tail(console: str) -> str:
    """Return the last 40 lines, without anything that a terminal would act on."""
    plain = ESCAPE.sub("", console[-CONSOLE_CAP_CHARS:]).replace("\r", "\n")
    lines = [_withheld(_printable(line)) for line in plain.split("\n") if line.strip()]
    return "\n".join(lines[-TAIL_LINES:])


def secrets_in(console: str) -> Searched | None:
    """Return the secrets that the console shows, by line and without what they are; None where it shows nothing."""
    if not console.strip():
        return None
    text = ESCAPE.sub("", console[:CONSOLE_CAP_CHARS]).replace("\r\n", "\n").replace("\r", "\n")
    content = text.encode("utf-8", "replace")
    found: dict[tuple[int | None, str], Found] = {
        (line, hit.detail): Found(
            path=CONSOLE, sort=hit.sort, line=line, detail=hit.detail, fingerprint=hit.fingerprint
        )
        for hit, _, line in islice(scan_pieces(iter([content]), scan_log), MOST_SECRETS)
    }
    for number, each in enumerate(text.split("\n"), 1):
        if PASSWORD.search(each) and len(found) < MOST_SECRETS:
            known = Found(path=CONSOLE, sort=Sort.LOGGED, line=number, detail="a password")
            found.setdefault((number, known.detail), known)
    gaps = ("the console says more than is looked at",) if len(console) > CONSOLE_CAP_CHARS else ()
    return Searched(detectors=DETECTORS_VERSION, found=tuple(found.values()), gaps=gaps, size_bytes=len(content))


def _withheld(line: str) -> str:
    """Keep back a line that may hold a secret: images do print passwords and keys on their consoles."""
    return "(line withheld: it may hold a secret)" if SECRET.search(line) else line


def _printable(line: str) -> str:
    shown = "".join(c if c.isprintable() else "?" for c in line[:TAIL_LINE_CHARS].replace("\t", " "))
    return shown.rstrip()
