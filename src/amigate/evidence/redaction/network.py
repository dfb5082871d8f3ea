"""Settings of network cards: that a line names a card by its address, or gives one a fixed address."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Any

from amigate.check import InconclusiveError
from amigate.evidence.redaction.kept import decoded
from amigate.evidence.yaml_tree import load

if TYPE_CHECKING:
    from collections.abc import Iterator

    from amigate.evidence.yaml_tree import Keys

CARD, ADDRESS = "card", "address"
_MAC = re.compile(
    r"(?<![0-9a-f:-])(?!(?:00[:-]){5}00|(?:ff[:-]){5}ff)(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}(?![0-9a-f:-])", re.IGNORECASE
)
_SETTING = re.compile(
    r"\s*(?:IPADDR\w{0,8}|IPV6ADDR\w{0,16}|Address|address(?:es)?\d{0,4})\s*[\s=]\s*['\"]?(?P<value>[0-9A-Fa-f.:]{2,45})",
)
_NETPLAN = re.compile(r"(?m)^network:")
_MOST_BYTES = 64 * 1024
_MOST_LINES = 1000


def told(content: bytes) -> dict[str, str]:
    """Return the numbers of the lines that do either, as `3,7`.

    Read are ifcfg files, keyfiles, systemd's, ifupdown's and udev's, and netplan's YAML."""
    text = decoded(content)
    found = _of_yaml(text) if _NETPLAN.search(text) and len(content) <= _MOST_BYTES else None
    lines = found if found is not None else [set(_line(line)) for line in text.split("\n")]
    return {
        what: ",".join([str(number) for number, said in enumerate(lines, 1) if what in said][:_MOST_LINES])
        for what in (CARD, ADDRESS)
    }


def _of_yaml(text: str) -> list[set[str]] | None:
    """Return what each line of a document says; None where it is none that is read safely."""
    try:
        value, places = load(text, "")
    except InconclusiveError:
        return None
    said: list[set[str]] = [set() for _ in text.split("\n")]
    for keys, each in _leaves(value, ()):
        if what := _of_netplan(keys, each):
            said[_place(places, keys) - 1].add(what)
    return said


def _line(line: str) -> Iterator[str]:
    if line.lstrip().startswith(("#", ";")):
        return
    setting = _SETTING.match(line)
    if _MAC.search(line):
        yield CARD
    if setting and _is_of_a_host(setting["value"]):
        yield ADDRESS


def _is_of_a_host(text: str) -> bool:
    """Whether it is an address that another machine could have been given."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return not (address.is_loopback or address.is_unspecified or address.is_link_local)


def _leaves(value: Any, at: Keys) -> Iterator[tuple[Keys, str]]:
    """Yield every text in the document, keys of mappings among them."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield (*at, str(key)), str(key)
            yield from _leaves(each, (*at, str(key)))
    elif isinstance(value, list):
        for position, each in enumerate(value):
            yield from _leaves(each, (*at, position))
    elif value is not None:
        yield at, str(value)


def _of_netplan(keys: Keys, text: str) -> str:
    if _MAC.search(text):
        return CARD
    fixed = "addresses" in keys and "nameservers" not in keys
    return ADDRESS if fixed and _is_of_a_host(text.partition("/")[0]) else ""


def _place(places: dict[Keys, int], keys: Keys) -> int:
    return next((places[keys[:length]] for length in range(len(keys), -1, -1) if keys[:length] in places), 1)
