"""What a machine is told to mount."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass

NETWORK = frozenset(
    """
    9p afs autofs beegfs ceph cifs fuse.ceph fuse.glusterfs fuse.s3fs fuse.sshfs gfs2 glusterfs efs lustre ncpfs nfs
    nfs4 ocfs2 orangefs pvfs2 s3fs smb3 smbfs sshfs virtiofs
    """.split()  # noqa: SIM905 - one name a line would be thirty lines
)
"""File systems whose content lies elsewhere; systemd's fstype_is_network (mountpoint-util.c) and their kin."""
VIRTUAL = frozenset(
    """
    binfmt_misc bpf cgroup cgroup2 configfs debugfs devpts devtmpfs efivarfs fusectl hugetlbfs mqueue none proc pstore
    ramfs rpc_pipefs securityfs selinuxfs swap sysfs tmpfs tracefs usbfs
    """.split()  # noqa: SIM905 - one name a line would be thirty lines
)
"""What has no content before a kernel runs: below it the image holds what its own folder does."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Something that is to be mounted somewhere."""

    what: str
    """A device as fstab(5) names it, or with `bind` a path."""
    where: str
    """Absolute and normalised."""
    kind: str = "auto"
    options: frozenset[str] = frozenset()
    source: str
    """The file that says so."""

    @property
    def is_bind(self) -> bool:
        """Whether it shows a part of the tree in a second place."""
        return bool(self.options & {"bind", "rbind"})

    @property
    def is_network(self) -> bool:
        """Whether what it shows lies on another machine."""
        return self.kind in NETWORK or "_netdev" in self.options

    @property
    def is_mounted(self) -> bool:
        """Whether the machine mounts it by itself."""
        return "noauto" not in self.options or "x-systemd.automount" in self.options

    @property
    def subfolder(self) -> str:
        """The folder of the device that is mounted instead of its root (mount(8), X-mount.subdir)."""
        found = [each.partition("=")[2] for each in self.options if each.startswith("X-mount.subdir=")]
        return normal(f"/{found[0]}") if found else "/"


def normal(path: str) -> str:
    """Return an absolute path without `.`, `..` and needless slashes."""
    return posixpath.normpath("/" + path.lstrip("/"))
