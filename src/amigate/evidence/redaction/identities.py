"""Files that hold the identity of a machine: a name, a number, a seed. Which it is, is nobody's business."""

from __future__ import annotations

from amigate.evidence.redaction.kept import Kept, Mac, encoded

_NONE_YET = {b"uninitialized", b"generatename=yes", b"localhost", b"localhost.localdomain", b"(none)"}
"""Words by which systemd, open-iscsi and the kernel say that there is none."""


def identity(content: bytes, mac: Mac) -> Kept:
    """Keep of an identity that there is one, with a digest of it; nothing of comments and blanks around it."""
    lines = (line.strip() for line in content.split(b"\n"))
    said = b"\n".join(line for line in lines if line and not line.startswith(b"#"))
    if not said.strip(b"\0") or said.lower() in _NONE_YET:
        return Kept(content=b"")
    return Kept(content=encoded(f"(not-kept-{len(said)}-{mac(said)})\n"))
