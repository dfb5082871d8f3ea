"""Files that hold the identity of a machine: its name, or one of its initiators'. Which it is, is nobody's business.

Names that EC2 gives: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-naming.html"""

from __future__ import annotations

import re

from amigate.evidence.redaction.kept import Kept, Mac, UnknownFormError, decoded, encoded, placeholder

LOCALHOST = "localhost"
EC2_NAME = "ec2 "
"""Before the digest of a host name in a form that EC2 gives."""

_LONGEST_NAME = 64
"""Of the kernel, in bytes: __NEW_UTS_LEN."""
_NO_NAME = {"", "(none)"}
_LOCALHOST = {"localhost", "localhost.localdomain"}
_EC2_NAME = re.compile(r"(?:ip-\d{1,3}(?:-\d{1,3}){3}|i-[0-9a-f]{8,17})(?:\.[a-z0-9.-]+)?", re.ASCII)
_BESIDE_IT = re.compile(rb"#|GenerateName\s*=|InitiatorAlias\s*=")
"""Begins a line that is no identity: a comment, Debian's wish for a name at first start, a name for people."""


def identity(content: bytes, mac: Mac) -> Kept:
    """Keep of an identity that there is one, with a digest of it; nothing of what stands beside it."""
    lines = (line.strip() for line in content.split(b"\n"))
    said = b"\n".join(line for line in lines if line and not _BESIDE_IT.match(line))
    return Kept(content=encoded(placeholder(decoded(said), mac) + "\n") if said else b"")


def host_name(content: bytes, mac: Mac) -> Kept:
    """Keep of a host name whether there is one, is `localhost` or has EC2's form, and a digest; the kernel's words."""
    name = decoded(content).removesuffix("\n").lower()
    if len(encoded(name)) > _LONGEST_NAME or "\n" in name:
        raise UnknownFormError
    if name in _NO_NAME:
        return Kept(content=b"")
    if name in _LOCALHOST:
        return Kept(content=encoded(LOCALHOST + "\n"))
    form = EC2_NAME if _EC2_NAME.fullmatch(name) else ""
    return Kept(content=encoded(form + placeholder(name, mac) + "\n"))
