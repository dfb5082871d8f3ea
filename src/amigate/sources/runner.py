"""Which address the instances let in: that of the machine amigate runs on, and no other."""

from __future__ import annotations

import urllib.error
import urllib.request
from ipaddress import AddressValueError, IPv4Address, IPv4Network, NetmaskValueError

from amigate.errors import LaunchError, UsageError

ECHO = "https://checkip.amazonaws.com"
"""AWS's own service that answers with the caller's public address."""
WIDEST_PREFIX = 8
"""Wider networks are no runner: `/0` is everybody."""


def runner_network(given: str | None, *, sandbox: bool) -> IPv4Network:
    """Return the network that may reach the instances: `given`, loopback in a sandbox, else our own address.

    Raises UsageError for a network that is malformed or wider than /8, LaunchError when ours is unknown."""
    if given is not None:
        return _parse(given)
    return IPv4Network("127.0.0.1/32" if sandbox else f"{_public_address()}/32")


def _parse(text: str) -> IPv4Network:
    try:
        network = IPv4Network(text)
    except (AddressValueError, NetmaskValueError, ValueError):
        raise UsageError(
            "the runner's network is no IPv4 network", hint="it looks like 203.0.113.7/32, without host bits"
        ) from None
    if network.prefixlen < WIDEST_PREFIX:
        raise UsageError(
            f"a test instance is never opened to {network}",
            hint="give the runner's own address, such as 203.0.113.7/32",
        )
    return network


def _public_address() -> IPv4Address:
    try:
        with urllib.request.urlopen(ECHO, timeout=5) as answer:
            return IPv4Address(answer.read(64).decode("ascii").strip())
    except (OSError, urllib.error.URLError, ValueError) as error:
        raise LaunchError(
            f"could not find out this machine's public address from {ECHO}",
            hint="give it with --runner-cidr, such as 203.0.113.7/32",
        ) from error
