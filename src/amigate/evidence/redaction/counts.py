"""What says something by how much of it there is: settings, names of hosts, addresses of cards, stored answers.

Of each the number of lines that count is kept, and the number of the first of them; no line."""

from __future__ import annotations

import re
from dataclasses import replace
from ipaddress import ip_address
from typing import TYPE_CHECKING

from amigate.evidence.redaction import network
from amigate.evidence.redaction.kept import Kept, Mac, decoded

if TYPE_CHECKING:
    from collections.abc import Callable

_WITHHELD = "content not kept: only the number of its lines that count is"
_SETTING = re.compile(r"\s*[^\s#;]")
_HOST_NAME = re.compile(
    r"(?:ipv?6-)?(?:localhost|loopback|localnet|mcastprefix|allnodes|allrouters|allhosts)\d?(?:\.localdomain\d?)?"
    r"|debian|ubuntu|alpine|fedora|centos|rocky|almalinux|rhel|sles|opensuse|kali|archlinux|amazonlinux",
    re.IGNORECASE,
)
"""Names that distributions give to a machine that has none yet."""
_CARD = re.compile(r"(?i)(?<![0-9a-f:])(?:[0-9a-f]{2}:){5}[0-9a-f]{2}(?![0-9a-f:])|^\s*uuid\s*=\s*[\"']?[0-9a-f]{8}-")
_ANSWER = re.compile(r"Value:\s*\S")


def settings(content: bytes, mac: Mac) -> Kept:
    """Count the lines that are neither blank nor a comment."""
    del mac
    return _count(content, lambda line: _SETTING.match(line) is not None)


def hosts(content: bytes, mac: Mac) -> Kept:
    """Count the lines that name another machine, or this one by a name of its own; the form is that of /etc/hosts."""
    del mac
    return _count(content, _names_a_host)


def cards(content: bytes, mac: Mac) -> Kept:
    """Count the lines with the address of a network card, or with the id of a connection.

    The numbers of lines that name a card, and of those that give one a fixed address, are kept as well."""
    del mac
    counted = _count(content, lambda line: _CARD.search(line.partition("#")[0]) is not None)
    return replace(counted, summary={**counted.summary, **network.told(content)})


def stored_answers(content: bytes, mac: Mac) -> Kept:
    """Count the answers in a database of debconf, https://manpages.debian.org/debconf.conf.5.en.html."""
    del mac
    return _count(content, lambda line: _ANSWER.match(line) is not None)


def static_name(content: bytes, mac: Mac) -> Kept:
    """Count the lines of hostname(5) with a name that no distribution gives."""
    del mac
    return _count(content, lambda line: _SETTING.match(line) is not None and not is_nobodys(line.strip()))


def is_nobodys(name: str) -> bool:
    """Whether distributions give this name to a machine that has none yet."""
    return _HOST_NAME.fullmatch(name) is not None


def _names_a_host(line: str) -> bool:
    address, *names = line.partition("#")[0].split() or [""]
    if not address:
        return False
    try:
        known = ip_address(address.partition("%")[0])
    except ValueError:
        return True
    local = known.is_loopback or known.is_multicast or known.is_unspecified or address in {"fe00::", "fe00::0"}
    return not local or not all(map(is_nobodys, names))


def _count(content: bytes, counts: Callable[[str], bool]) -> Kept:
    numbers = [number for number, line in enumerate(decoded(content).split("\n"), 1) if counts(line)]
    return Kept(summary={"count": str(len(numbers)), "first": str(next(iter(numbers), 0))}, withheld=_WITHHELD)
