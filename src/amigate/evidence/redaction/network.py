"""Settings of network cards: that a line names a card by its address, or gives one a fixed address."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Any

from amigate.check import InconclusiveError
from amigate.evidence.redaction.kept import Kept, Mac, UnknownFormError, decoded, encoded
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
_MOST_BYTES = 64 * 1024


def cards(content: bytes, mac: Mac) -> Kept:
    """Keep, line by line, which of the two it does: of ifcfg files, keyfiles, systemd's, ifupdown's and udev's."""
    del mac
    return Kept(content=encoded("\n".join(map(_line, decoded(content).split("\n")))))


def netplan(content: bytes, mac: Mac) -> Kept:
    """Keep the same of netplan's YAML; raises UnknownFormError for what is none that is read safely."""
    del mac
    text = decoded(content)
    if len(content) > _MOST_BYTES:
        raise UnknownFormError
    try:
        value, places = load(text, "")
    except InconclusiveError:
        raise UnknownFormError from None
    said: dict[int, set[str]] = {}
    for keys, each in _leaves(value, ()):
        what = _of_netplan(keys, each)
        if what:
            said.setdefault(_place(places, keys), set()).add(what)
    return Kept(content=encoded("\n".join(" ".join(sorted(said.get(at, ()))) for at in range(1, text.count("\n") + 2))))


def _line(line: str) -> str:
    if line.lstrip().startswith(("#", ";")):
        return "#"
    setting = _SETTING.match(line)
    found = [CARD] if _MAC.search(line) else []
    return " ".join([*found, *([ADDRESS] if setting and _is_of_a_host(setting["value"]) else [])])


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
