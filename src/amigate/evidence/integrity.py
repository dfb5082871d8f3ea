"""Programs and libraries that are not as dpkg's lists have them, and programs that run as somebody else.

A list that was changed with the program deceives this, as it does `dpkg --verify`: it tells what a builder replaced,
and is no proof against somebody who covers it. Files of rpm's and apk's packages are not told."""

from __future__ import annotations

import hashlib
import re
import stat
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from amigate.detect.hits import Sort
from amigate.evidence.model import Found
from amigate.evidence.shipped import MERGED, every_digest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from amigate.evidence.file_system import FileSystem, Inode

PROGRAMS = re.compile(r"/(?:(?:usr/)?(?:s?bin|lib(?:32|64|x32|exec)?)|opt)/.+", re.DOTALL)
"""Where packages put programs and libraries; what lies elsewhere is data, or made at installation."""
_MOST = 200
_EXECUTABLE = 0o111
_LARGEST_BYTES = 256 * 1024 * 1024
KNOWN_PRIVILEGED = frozenset({
    "Xorg.wrap", "at", "bbsuid", "bsd-write", "bwrap", "chage", "chfn", "chsh", "crontab",
    "dbus-daemon-launch-helper", "doas", "dotlockfile", "exim4", "expiry", "fusermount", "fusermount3",
    "gpasswd", "grub2-set-bootflag", "krb5_child", "ldap_child", "locate", "lxc-user-nic", "mail-lock",
    "mail-touchlock", "mail-unlock", "mlocate", "mount", "mount.cifs", "mount.ecryptfs_private", "mount.nfs",
    "mount.nfs4", "newgidmap", "newgrp", "newuidmap", "ntfs-3g", "pam_extrausers_chkpwd", "pam_timestamp_check",
    "passwd", "ping", "ping6", "pkexec", "plocate", "polkit-agent-helper-1", "postdrop", "postlog", "postqueue",
    "pppd", "proxy_child", "screen", "selinux_child", "sg", "snap-confine", "ssh-agent", "ssh-keysign",
    "sssd_pam", "staprun", "su", "sudo", "sudo-ldap", "sudoedit", "traceroute6.iputils", "umount", "umount.nfs",
    "unix2_chkpwd", "unix_chkpwd", "unix_update", "userhelper", "usernetctl", "utempter", "vlock-main",
    "vmware-user-suid-wrapper", "wall", "write", "write.ul",
})  # fmt: skip
"""Names of programs that distributions ship setuid or setgid."""


@dataclass
class Told:
    """A file while it is read."""

    path: str
    inode: Inode
    known: tuple[str, str] | None
    """Digest and package, of a program or library that a package brought."""
    digest: hashlib._Hash = field(default_factory=lambda: hashlib.md5(usedforsecurity=False))
    size_bytes: int = 0

    def take(self, piece: bytes) -> None:
        """Take in the next piece; what no package brought is compared with nothing."""
        if self.known is not None:
            self.digest.update(piece)
            self.size_bytes += len(piece)


@dataclass
class Integrity:
    """What is told while a search reads each file once."""

    files: FileSystem
    digests: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Path to digest (MD5) and package, of programs and libraries."""
    found: list[Found] = field(default_factory=list)

    def __post_init__(self) -> None:
        with suppress(OSError):
            self.digests = {
                MERGED.sub("", path, count=1): (digest, package)
                for package, path, digest in every_digest(self.files)
                if PROGRAMS.fullmatch(path)
            }

    def of(self, path: str, inode: Inode) -> Told:
        """Return what takes in the pieces of a file."""
        known = self.digests.get(MERGED.sub("", path, count=1)) if PROGRAMS.fullmatch(path) else None
        return Told(path=path, inode=inode, known=known)

    def see(self, told: Told) -> None:
        """Compare a file that was read to its end with what its package brought."""
        if len(self.found) < _MOST:
            is_same = told.known is not None and self._digest(told) == told.known[0]
            self.found += self._faults(told, is_same=is_same)

    def _digest(self, told: Told) -> str:
        """Return the digest of all of a file; its pieces are without its holes, and need not have been all read.

        Empty for a file with holes that is larger than any program: it is not as a package brought it."""
        if told.size_bytes == told.inode.size:
            return told.digest.hexdigest()
        if told.inode.size > _LARGEST_BYTES:
            return ""
        return hashlib.md5(self.files.read(told.path, told.inode.size), usedforsecurity=False).hexdigest()

    def _faults(self, told: Told, *, is_same: bool) -> Iterator[Found]:
        if told.known is not None and not is_same:
            detail = f"it is not as the package {told.known[1]} brought it"
            yield Found(path=told.path, sort=Sort.CHANGED_PROGRAM, line=None, detail=detail)
        if told.inode.mode & (stat.S_ISUID | stat.S_ISGID) and told.inode.mode & _EXECUTABLE:
            name, is_told = told.path.rpartition("/")[2], is_same or not self.digests
            if not (is_told and name in KNOWN_PRIVILEGED and PROGRAMS.fullmatch(told.path)):
                right = "its owner's" if told.inode.mode & stat.S_ISUID else "its group's"
                whose = "no package is known to bring it so" if is_told else "it is as no package brought it"
                detail = f"it runs with {right} rights, and {whose}"
                yield Found(path=told.path, sort=Sort.PRIVILEGED_PROGRAM, line=None, detail=detail)
