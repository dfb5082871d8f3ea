"""Whether a Match block holds for a session, decided as sshd does (match.c, addr.c and groupaccess.c of OpenSSH)."""

from __future__ import annotations

import ipaddress
import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from amigate.check import InconclusiveError
from amigate.facts.sshd_sessions import conditions

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from amigate.facts.sshd_sessions import Criterion


def holds(match: Sequence[str], session: Criterion, groups: Mapping[str, Sequence[str]]) -> bool:
    """Whether every condition in `match` is met; `groups` names those of each user that there is.

    Raises InconclusiveError for a condition that is not known here, or that sshd refuses."""
    met = [_is_met(name, value, session, groups) for name, value in conditions(match)]
    return all(met)  # each is looked at: sshd refuses a condition in no known form wherever it stands


def _is_met(name: str, value: str, session: Criterion, groups: Mapping[str, Sequence[str]]) -> bool:
    if name == "all":
        return True
    if name not in _DECIDED:
        raise InconclusiveError(f"a Match block asks for {name}, which is not known here")
    if not value:
        raise InconclusiveError("a Match block asks for nothing, which sshd refuses")
    return _DECIDED[name](value, session, groups)


def _has_group(value: str, session: Criterion, groups: Mapping[str, Sequence[str]]) -> bool:
    found = [listed(group, value) for group in groups.get(session.user or _USER, ())]
    return 1 in found and -1 not in found


def _on_port(value: str, session: Criterion, _: object) -> bool:
    if not re.fullmatch(r"\d{1,5}", value, re.ASCII):
        raise InconclusiveError("a Match block names a port in no known form")
    return int(value) == int(session.lport)


_USER = "root"
"""Stands for everybody where no Match block tells users apart."""
_DECIDED: Mapping[str, Callable[[str, Criterion, Mapping[str, Sequence[str]]], bool]] = {
    "user": lambda value, session, _: listed(session.user or _USER, value) > 0,
    "group": _has_group,
    "host": lambda value, session, _: listed(session.host, value.lower()) > 0,
    "address": lambda value, session, _: _in_networks(session.addr, value),
    "localaddress": lambda value, session, _: _in_networks(session.laddr, value),
    "localport": _on_port,
    "rdomain": lambda value, session, _: bool(session.rdomain) and listed(session.rdomain, value) > 0,
}


def listed(text: str, patterns: str) -> int:
    """Return 1 where one of the comma-separated patterns fits, -1 where one with `!` does, else 0."""
    found = 0
    for pattern in patterns.split(","):
        if _fits(text, pattern.removeprefix("!")):
            if pattern.startswith("!"):
                return -1
            found = 1
    return found


def _fits(text: str, pattern: str) -> bool:
    return fnmatchcase(text, pattern.replace("[", "[[]"))


def _in_networks(address: str, patterns: str) -> bool:
    """Decide as addr_match_list does: networks, else patterns of text; a `!` that fits decides at once."""
    known = ipaddress.ip_address(address)
    found = False
    for each in patterns.split(","):
        pattern = each.removeprefix("!")
        if not pattern:
            raise InconclusiveError("a Match block holds an empty address, which sshd refuses")
        fits = _in_network(known, pattern)
        if fits and each.startswith("!"):
            return False
        found = found or fits
    return found


def _in_network(address: ipaddress.IPv4Address | ipaddress.IPv6Address, pattern: str) -> bool:
    try:
        network = ipaddress.ip_network(pattern, strict=False)
    except ValueError:
        return _fits(str(address), pattern)
    first, _, length = pattern.partition("/")
    if length and (not length.isdecimal() or ipaddress.ip_address(first) != network.network_address):
        raise InconclusiveError("a Match block names a network with bits behind its mask, which sshd refuses")
    return address in network
