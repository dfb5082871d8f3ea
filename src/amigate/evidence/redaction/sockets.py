"""The kernel's tables of sockets, who holds them, and the names of processes.

https://www.kernel.org/doc/html/latest/networking/proc_net_tcp.html"""

from __future__ import annotations

import re

from amigate.evidence.redaction.kept import Kept, Mac, UnknownFormError, decoded, encoded, line_by_line, placeholder

_TABLE = r"/proc/net/(?:tcp|udp)6?:"
_HEADER = re.compile(rf"({_TABLE}) *sl +local_address\b.*")
_SOCKET = re.compile(rf"{_TABLE} *[0-9]+:[0-9A-Fa-f: -]{{0,300}}")
_OWNER = re.compile(r"/proc/[0-9]{1,10}|[0-9]{1,20}")
_PROCESS = re.compile(r"(/proc/[0-9]{1,10}/comm:)(.*)", re.DOTALL)
_NAME = re.compile(r"[\w.:@()+/\[\]-][\w.:@()+/\[\] -]{0,14}", re.ASCII)


def sockets(content: bytes, mac: Mac) -> Kept:
    """Keep lines of /proc/net/{tcp,udp,tcp6,udp6}, and numbers of processes and sockets."""
    del mac
    kept = []
    for line in decoded(content).split("\n"):
        if (header := _HEADER.fullmatch(line)) is not None:
            kept.append(f"{header[1]} sl local_address")
        elif not line or _SOCKET.fullmatch(line) or _OWNER.fullmatch(line):
            kept.append(line)
        else:
            raise UnknownFormError
    return Kept(content=encoded("\n".join(kept)))


def process_names(content: bytes, mac: Mac) -> Kept:
    """Keep the names that processes have; one that is no name becomes a placeholder."""

    def known(line: str) -> str | None:
        found = _PROCESS.fullmatch(line)
        if found is None:
            return None
        return found[1] + (found[2] if _NAME.fullmatch(found[2]) else placeholder(found[2], mac))

    return line_by_line(content, known, mac)
