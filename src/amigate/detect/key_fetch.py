"""Scripts that fetch the launch key from the metadata of EC2 at boot, and what is wrong with them.

AWS's sample for rc.local: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/building-shared-amis.html."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from amigate.detect.hits import Hit, Sort

if TYPE_CHECKING:
    from collections.abc import Iterator

PLACES = (
    "/etc/rc.local", "/etc/rc.d/", "/etc/init.d/", "/etc/local.d/", "/etc/systemd/", "/etc/cron", "/etc/profile.d/",
    "/etc/NetworkManager/dispatcher.d/", "/etc/network/", "/usr/local/", "/usr/lib/", "/usr/libexec/", "/lib/",
    "/usr/bin/", "/usr/sbin/", "/bin/", "/sbin/", "/opt/", "/root/", "/srv/", "/var/lib/cloud/scripts/",
)  # fmt: skip
"""Where what runs at boot may lie."""
_MOST_BYTES = 256 * 1024
_FETCH = re.compile(rb"public-keys/(?:0/)?(?:openssh-key)?")
_SHELL = re.compile(rb"#!\s*\S*/(?:env\s+)?(?:ba|da|a|k|z|busybox )?sh\b")
_TOKEN = re.compile(rb"metadata-token|api/token|(?m:^\s*(?:\.|source)\s+\S)|ec2-metadata|ec2metadata|cloud-init")
_CHMOD = re.compile(rb"chmod\s+(?:-[Rvf]+\s+)?0?(?P<mode>[0-7]{3})\s[^\n]*authorized_keys")
_CLOSED = re.compile(
    rb"umask\s+0?[0-7]?77\b|chmod\s+(?:-\w+\s+)?(?:0?[4-7]00|go-rwx|go=|u=rwx?,go=)\b"
    rb"|install\s[^\n]*-m\s*0?[46]00"
)
_AT_ONCE = re.compile(rb"[^\n]*public-keys/[^\n]*>>?\s*\S*authorized_keys")
_APPENDS = re.compile(rb">>\s*[^\s;]*authorized_keys")
_ONCE = re.compile(rb"\bgrep\b|instance-id|instance_id|\[\[|\bcmp\b|\bsort\b")
_FIXED = re.compile(rb"/tmp/[\w.-]+")
_CLOSED_MODE = 0o600


def key_fetches(path: str, content: bytes) -> Iterator[Hit]:
    """Yield that a script fetches the launch key, and each thing that is wrong with it."""
    fetch = _FETCH.search(content) if path.startswith(PLACES) and len(content) <= _MOST_BYTES else None
    if fetch is None or not (_SHELL.match(content) or path.endswith("/rc.local")):
        return
    yield Hit(sort=Sort.KEY_FETCH, offset=fetch.start(), detail="it fetches the launch key at boot")
    script = _without_comments(content)
    if not _TOKEN.search(script):
        yield _fault(fetch.start(), "it asks the metadata service without a session token (IMDSv2)")
    chmod = _CHMOD.search(script)
    if chmod is not None and int(chmod["mode"], 8) & 0o077:
        yield _fault(fetch.start(), f"it gives the key file the mode {chmod['mode'].decode('ascii')}")
    elif not _CLOSED.search(script):
        yield _fault(fetch.start(), "it leaves it to the umask who may read the key file")
    elif chmod is not None and int(chmod["mode"], 8) & ~_CLOSED_MODE:
        yield _remark(fetch.start(), f"it gives the key file the mode {chmod['mode'].decode('ascii')}; 600 is enough")
    if _AT_ONCE.search(script):
        yield _fault(fetch.start(), "it writes into the key file whatever the metadata service answers")
    if _APPENDS.search(script) and not _ONCE.search(script):
        yield _remark(fetch.start(), "it appends the key again at each boot")
    if _FIXED.search(script):
        yield _remark(fetch.start(), "it uses a fixed name in /tmp")


def _fault(at: int, detail: str) -> Hit:
    return Hit(sort=Sort.KEY_FETCH_FAULT, offset=at, detail=detail)


def _remark(at: int, detail: str) -> Hit:
    return Hit(sort=Sort.KEY_FETCH_REMARK, offset=at, detail=detail)


def _without_comments(content: bytes) -> bytes:
    return b"\n".join(line for line in content.split(b"\n") if not line.lstrip().startswith(b"#"))
