"""Whom a running machine calls, by the kernel's tables of sockets, looked at again and again for a while.

https://www.kernel.org/doc/html/latest/networking/proc_net_tcp.html. A call that begins and ends between two looks is
not seen, so nothing found proves nothing: that would take the flow logs of the network."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from amigate.check import InconclusiveError
from amigate.evidence.keep import Keep
from amigate.evidence.questions import Needs, Run
from amigate.facts.listeners import address_of
from amigate.result import Finding

if TYPE_CHECKING:
    from collections.abc import Collection

    from amigate.evidence.model import View

LOOKS = 20
"""How often, a second apart."""
CONNECTIONS = Run(
    "connections",
    f"n=0; while [ $n -lt {LOOKS} ]; do for p in tcp udp tcp6 udp6; do [ ! -e /proc/net/$p ] || "
    "grep -HE '^ *[0-9]+:' /proc/net/$p; done; n=$((n + 1)); sleep 1; done | "
    "grep -vE ': [0-9A-F]+:[0-9A-F]{4} 0+:0000 ' | sort -u; exit 0",
    Keep.SOCKETS,
    timeout_s=LOOKS + 20,
    cap_bytes=1024 * 1024,
)
NEEDS = Needs(first=(CONNECTIONS,))
_LINE = re.compile(
    r"/proc/net/(?P<protocol>tcp|udp)6?: *\d+: [0-9A-F]{8,32}:(?P<local>[0-9A-F]{4}) "
    r"(?P<remote>[0-9A-F]{8}|[0-9A-F]{32}):(?P<port>[0-9A-F]{4}) .*"
)
_OF_THE_NETWORK = frozenset({53, 67, 123, 547})
"""DNS, DHCP and NTP."""
_OF_MIRRORS = frozenset({80, 443})
"""Where packages come from, among others: an address does not tell."""


@dataclass(frozen=True, kw_only=True)
class Connections:
    """Protocol, address and port of each whom the machine was seen to call, and its own port."""

    all: tuple[tuple[str, str, int, int], ...]

    @classmethod
    def read(cls, view: View) -> Connections:
        """Take what was seen; raises InconclusiveError where nobody looked, or in another form."""
        lines = [line for line in view.answer(CONNECTIONS.key).text.split("\n") if line]
        matches = [_LINE.fullmatch(line) for line in lines]
        if not all(matches):
            raise InconclusiveError("the kernel's tables of sockets are in a form that is not known here")
        return cls(
            all=tuple(
                sorted(
                    {
                        (
                            match["protocol"],
                            address_of(match["remote"]),
                            int(match["port"], 16),
                            int(match["local"], 16),
                        )
                        for match in matches
                        if match
                    }
                )
            )
        )

    def unexpected(self, allowed: Collection[tuple[str, int]], own_port: int) -> list[Finding]:
        """Find calls to others than DNS, DHCP, NTP, the link-local services of EC2, mirrors and the `allowed` ports.

        What comes in at `own_port` is whoever looks."""
        found = {
            (protocol, address, port)
            for protocol, address, port, local in self.all
            if local != own_port
            and not _is_near(address)
            and port not in _OF_THE_NETWORK | _OF_MIRRORS
            and (protocol, port) not in allowed
        }
        return [
            Finding(subject=f"{protocol} port {port}", detail=f"the machine calls {address}")
            for protocol, address, port in sorted(found)
        ]


def _is_near(address: str) -> bool:
    """Whether it is the machine itself, or on its link, as EC2's own services are."""
    found = ipaddress.ip_address(address)
    each = getattr(found, "ipv4_mapped", None) or found
    return bool(each.is_loopback or each.is_link_local or each.is_multicast)
