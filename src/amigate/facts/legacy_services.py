"""Programs of network services that nobody should offer any more, by the files that their packages bring.

Packages are called differently everywhere: `/usr/sbin/in.rshd` is of rsh-server, rsh-redone-server or netkit-rsh."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from amigate.evidence.keep import Keep
from amigate.evidence.model import Kind
from amigate.evidence.questions import ReadFile
from amigate.facts.asked import only_at_rest
from amigate.result import Finding

if TYPE_CHECKING:
    from amigate.evidence.model import View

_FOLDERS = ("/usr/sbin", "/usr/bin", "/usr/libexec", "/sbin", "/bin")
_SERVICES = {
    "telnet": ("in.telnetd", "telnetd", "utelnetd"),
    "rsh, rlogin and rexec": ("in.rshd", "rshd", "in.rlogind", "rlogind", "in.rexecd", "rexecd"),
    "NIS": ("ypserv", "rpc.yppasswdd"),
    "TFTP": ("in.tftpd", "tftpd", "atftpd"),
    "inetd": ("xinetd", "inetd", "inetutils-inetd"),
    "finger and talk": ("in.fingerd", "fingerd", "in.talkd", "in.ntalkd", "talkd"),
}
_PROGRAMS = {
    f"{folder}/{name}": service for service, names in _SERVICES.items() for name in names for folder in _FOLDERS
}
NEEDS = only_at_rest(*(ReadFile(path, Keep.NOTHING) for path in _PROGRAMS))


@dataclass(frozen=True, kw_only=True)
class LegacyServices:
    """The programs that are there."""

    found: tuple[Finding, ...]

    @classmethod
    def read(cls, view: View) -> LegacyServices:
        """Look for each program; raises InconclusiveError where that could not be told."""
        there = [path for path in _PROGRAMS if (entry := view.entry(path)) and entry.kind in {Kind.FILE, Kind.LINK}]
        merged = {path for path in there if f"/usr{path}" in there}  # the same file, where /sbin is a link
        detail = "a server of {}"
        return cls(
            found=tuple(
                Finding(path=path, detail=detail.format(_PROGRAMS[path])) for path in there if path not in merged
            )
        )
