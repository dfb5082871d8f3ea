"""POSIX ACLs: XFS keeps them as attributes of its own, and Linux shows them as `system.posix_acl_…` too.

As xfs_acl_from_disk (fs/xfs/xfs_acl.c) and posix_acl_to_xattr (include/uapi/linux/posix_acl_xattr.h)."""

from __future__ import annotations

from struct import Struct

from amigate.disk.blocks import IncompleteError

_NAMES = {
    "trusted.SGI_ACL_FILE": "system.posix_acl_access",
    "trusted.SGI_ACL_DEFAULT": "system.posix_acl_default",
}
_ENTRY = Struct(">IIHxx")
_SHOWN = Struct("<HHI")
_VERSION = (2).to_bytes(4, "little")
_WITH_ID = {0x02, 0x08}
"""ACL_USER and ACL_GROUP."""
_NO_ID = 0xFFFFFFFF


def as_shown(name: str, value: bytes) -> dict[str, bytes]:
    """Return what is shown beside the attribute `name`: nothing unless it is an ACL."""
    if name not in _NAMES:
        return {}
    count = int.from_bytes(value[:4], "big")
    if len(value) < 4 + count * _ENTRY.size:
        raise IncompleteError("an ACL is damaged: its entries do not fit into it")
    entries = _ENTRY.iter_unpack(value[4 : 4 + count * _ENTRY.size])
    shown = (_SHOWN.pack(tag & 0xFFFF, mode, who if tag in _WITH_ID else _NO_ID) for tag, who, mode in entries)
    return {_NAMES[name]: _VERSION + b"".join(shown)}
