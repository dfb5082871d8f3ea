"""What listens on a running machine, from /proc/net: no `ss` is needed, and no `ss` of the image is believed.

https://www.kernel.org/doc/html/latest/networking/proc_net_tcp.html"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from amigate.check import InconclusiveError
from amigate.evidence.keep import Keep
from amigate.evidence.questions import Needs, Run
from amigate.result import Finding

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from amigate.evidence.model import View

_CAP_BYTES = 1024 * 1024

# Header, and sockets in the states LISTEN (0A) and, of udp, unconnected (07). IPv6 may be switched off.
SOCKETS = Run(
    "listening sockets",
    "for p in tcp udp tcp6 udp6; do [ ! -e /proc/net/$p ] || "
    "grep -HE 'local_address|^ *[0-9]+: [0-9A-F]+:[0-9A-F]+ [0-9A-F]+:[0-9A-F]+ (0A|07) ' /proc/net/$p || exit 1; done",
    Keep.SOCKETS,
    cap_bytes=_CAP_BYTES,
)
OWNERS = Run(
    "owners of sockets",
    r"ls -l /proc/[0-9]*/fd 2>/dev/null | sed -n 's|^\(/proc/[0-9]*\)/fd:$|\1|p; s|.* -> socket:\[\([0-9]*\)\]$|\1|p'",
    Keep.SOCKETS,
    cap_bytes=_CAP_BYTES,
)
NAMES = Run(
    "names of processes", "grep -H . /proc/[0-9]*/comm 2>/dev/null; exit 0", Keep.PROCESS_NAMES, cap_bytes=_CAP_BYTES
)
NEEDS = Needs(first=(SOCKETS, OWNERS, NAMES))

_LINE = re.compile(
    r"/proc/net/(?P<protocol>tcp|udp)6?: *\d+: (?P<address>[0-9A-F]{8}|[0-9A-F]{32}):(?P<port>[0-9A-F]{4}) "
    r"(?P<remote>[0-9A-F]+:[0-9A-F]{4}) (?P<state>0A|07)(?: +\S+){5} +(?P<inode>\d+)(?: .*)?"
)
_NAME = re.compile(r"/proc/(\d+)/comm:(.*)", re.DOTALL)
_DECLARED = re.compile(r"(tcp|udp)/([0-9]{1,5})")
_LISTENS = {"tcp": "0A", "udp": "07"}


@dataclass(frozen=True, kw_only=True, order=True)
class Listener:
    """A socket that takes what anybody sends it."""

    protocol: str
    """`tcp` or `udp`."""
    port: int
    address: str
    """`0.0.0.0` and `::` stand for all of the machine's addresses."""
    processes: tuple[str, ...] = ()
    """Names of the processes that hold it, systemd for a socket unit; empty where none can be told (the kernel's)."""

    @property
    def is_loopback(self) -> bool:
        """Whether only the machine itself can reach it."""
        address = ipaddress.ip_address(self.address)
        mapped = getattr(address, "ipv4_mapped", None)
        return bool((mapped or address).is_loopback)

    def finding(self) -> Finding:
        """Return the finding that it listens."""
        who = ", ".join(self.processes) or "no process that can be told"
        return Finding(subject=f"{self.protocol} port {self.port}", detail=f"{who} listens on {self.address}")


@dataclass(frozen=True, kw_only=True)
class Listeners:
    """The listening sockets of the machine's first network namespace, sorted."""

    all: tuple[Listener, ...]

    @classmethod
    def read(cls, view: View) -> Listeners:
        """Read the kernel's tables; raises InconclusiveError when they were not seen, as at rest."""
        sockets = view.answer(SOCKETS.key)
        lines = sockets.text.split("\n")
        if sockets.exit_code != 0 or not all(_has_header(lines, name) for name in ("tcp", "udp")):
            raise InconclusiveError("the kernel's tables of sockets could not be read")
        owners = _owners(view)
        found = {listener for line in lines if (listener := _listener(line, owners)) is not None}
        return cls(all=tuple(sorted(found)))

    def reachable_other_than(self, declared: Collection[tuple[str, int]]) -> list[Finding]:
        """Find what listens for other machines and is not among the `declared` protocols and ports."""
        return [
            listener.finding()
            for listener in self.all
            if not listener.is_loopback and (listener.protocol, listener.port) not in declared
        ]


def declared_ports(setting: object) -> frozenset[tuple[str, int]]:
    """Return protocols and ports of a list such as `["tcp/443"]`; raises InconclusiveError for another form."""
    found = [_DECLARED.fullmatch(each) if isinstance(each, str) else None for each in _listed(setting)]
    if not all(found):
        raise InconclusiveError("the setting declared is no list of protocols and ports such as tcp/443")
    return frozenset((match[1], int(match[2])) for match in found if match)


def _listed(setting: object) -> list[object]:
    return list(setting) if isinstance(setting, list | tuple) else [None]


def _has_header(lines: list[str], name: str) -> bool:
    return any(line.startswith(f"/proc/net/{name}:") and "local_address" in line for line in lines)


def _listener(line: str, owners: Mapping[str, tuple[str, ...]]) -> Listener | None:
    """Read one line; raises InconclusiveError for one in no known form."""
    if not line or "local_address" in line:
        return None
    match = _LINE.fullmatch(line)
    if match is None:
        raise InconclusiveError("the kernel's tables of sockets are in a form that is not known here")
    unconnected = not match["remote"].strip("0:")
    if match["state"] != _LISTENS[match["protocol"]] or not unconnected:
        return None
    return Listener(
        protocol=match["protocol"],
        port=int(match["port"], 16),
        address=address_of(match["address"]),
        processes=owners.get(match["inode"], ()),
    )


def address_of(digits: str) -> str:
    """Read an address as the kernel prints it: words of four bytes, each in the byte order of EC2's processors."""
    raw = b"".join(int(digits[at : at + 8], 16).to_bytes(4, "little") for at in range(0, len(digits), 8))
    address = ipaddress.ip_address(raw)
    mapped = getattr(address, "ipv4_mapped", None)
    return f"::ffff:{mapped}" if mapped else str(address)


def _owners(view: View) -> dict[str, tuple[str, ...]]:
    """Return who holds each socket, by inode; empty where that could not be told."""
    try:
        listing, names = view.answer(OWNERS.key).text, view.answer(NAMES.key).text
    except InconclusiveError:
        return {}
    known = {match[1]: match[2] for line in names.split("\n") if (match := _NAME.fullmatch(line))}
    held: dict[str, dict[str, None]] = {}
    process = ""
    for line in listing.split("\n"):
        if line.startswith("/proc/"):
            process = line.removeprefix("/proc/")
        elif line and process:
            held.setdefault(line, {})[known.get(process, f"process {process}")] = None
    return {inode: tuple(sorted(names)) for inode, names in held.items()}
