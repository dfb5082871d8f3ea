"""POSIX ACLs: what is kept of them, as Linux shows it.

As ext4_acl_from_disk (fs/ext4/acl.c) and posix_acl_to_xattr (include/uapi/linux/posix_acl_xattr.h)."""

from __future__ import annotations

from amigate.disk.blocks import IncompleteError

_VERSION = (1).to_bytes(4, "little")
_SHOWN_VERSION = (2).to_bytes(4, "little")
_ENTRY_BYTES = 4
_WITH_ID = {0x02, 0x08}
"""ACL_USER and ACL_GROUP, behind which stands whose they are."""
_NO_ID = b"\xff" * 4


def as_shown(value: bytes) -> bytes:
    """Return what is shown of an ACL; raises IncompleteError where it is damaged."""
    if value[:4] != _VERSION:
        raise IncompleteError("an ACL is damaged: it is none")
    shown = bytearray(_SHOWN_VERSION)
    at = 4
    while at < len(value):
        tag = int.from_bytes(value[at : at + 2], "little")
        end = at + _ENTRY_BYTES + (4 if tag in _WITH_ID else 0)
        if end > len(value):
            raise IncompleteError("an ACL is damaged: its entries do not fit into it")
        shown += value[at:end] if tag in _WITH_ID else value[at:end] + _NO_ID
        at = end
    return bytes(shown)
