"""Which sessions to ask sshd about: who logs in from where, and with which options the server runs."""

from __future__ import annotations

import ipaddress
import math
import re
import shlex
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import pairwise, product
from typing import TYPE_CHECKING

from amigate.check import InconclusiveError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from amigate.facts.sshd_config import Line

ADDRESSES = {
    "198.51.100.7": "a public address",
    "10.0.0.7": "a private address",
    "127.0.0.1": "loopback",
    "2001:db8::7": "a public IPv6 address",
}
"""Where a session may come from when no Match block says more (the public ones are of RFC 5737 and RFC 3849)."""

ANYBODY = ""
"""Stands for every user, where no Match block tells users apart."""

LIMIT = 200
"""Most kinds of session that sshd is asked about."""

_TITLE = re.compile(r"^sshd: (?P<args>/?\S*sshd\b.*?) \[listener\]")
_KEY_COMMAND = re.compile(
    r" -o (AuthorizedKeysCommand /[\w./-]+(?: %[a-zA-Z])*) -o (AuthorizedKeysCommandUser [\w-]+)$", re.ASCII
)
"""How EC2 Instance Connect starts Ubuntu's sshd; of other options with blanks, a title tells nothing for sure."""
_FLAGS_ALONE = set("46DdeiqRtTG")
_FLAGS_WITH_VALUE = set("CEbcfghkopu")
_FLAGS_CONFIGURING = set("cfhop")

# What a Match block may ask, by the field of a Criterion that answers it; sshd_config(5), Match.
_FIELDS = {
    "user": "user",
    "group": "user",
    "address": "addr",
    "host": "host",
    "localaddress": "laddr",
    "localport": "lport",
    "rdomain": "rdomain",
}
_ALONE = {"all", "canonical", "final", "invalid-user"}
_SAFE = re.compile(r"[\w.@+$:%-]+", re.ASCII)


@dataclass(frozen=True)
class Criterion:
    """A session as `sshd -T -C` takes it, https://man.openbsd.org/sshd#C."""

    user: str = ANYBODY
    addr: str = "198.51.100.7"
    host: str = "client.example.com"
    laddr: str = "192.0.2.10"
    lport: str = "22"
    rdomain: str = ""

    @property
    def spec(self) -> str:
        """The argument of -C."""
        rdomain = f",rdomain={self.rdomain}" if self.rdomain else ""
        user = self.user or "root"
        return f"user={user},host={self.host},addr={self.addr},laddr={self.laddr},lport={self.lport}{rdomain}"

    @property
    def subject(self) -> str:
        """The session in words."""
        usual = Criterion()
        others = {"host": "host", "laddr": "local address", "lport": "local port", "rdomain": "routing domain"}
        extra = [f"{name} {getattr(self, field)}" for field, name in others.items() if self._differs(field)]
        who = f"user {self.user}" if self.user else "every user"
        if not self.user and self.addr == usual.addr:
            return ", ".join([who, *(extra or ["from anywhere"])])
        return ", ".join([f"{who} from {ADDRESSES.get(self.addr, self.addr)}", *extra])

    def _differs(self, field: str) -> bool:
        return bool(getattr(self, field) != getattr(Criterion(), field))


def conditions(words: Sequence[str]) -> list[tuple[str, str]]:
    """Return what a Match block asks, name in lower case and patterns; `User=bob` and `User = bob` as sshd does."""
    found = []
    rest = iter(words)
    for word in rest:
        name, _, value = word.partition("=")
        if name.lower() not in _ALONE:
            while not value and (following := next(rest, None)) is not None:
                value = following.removeprefix("=")
        found.append((name.lower(), value))
    return found


def is_blind(match: Sequence[str]) -> bool:
    """Whether a Match block asks something for which no complete set of sessions can be made up."""
    return any(
        (name not in _FIELDS and name != "all")
        or (name in ("address", "localaddress") and any(_network(each) is None for each in _patterns(value)))
        for name, value in conditions(match)
    )


def criteria(lines: Sequence[Line], users: Sequence[str]) -> list[Criterion]:
    """Return the sessions that see every value this configuration can give to `users`.

    Without a Match block all sessions are alike and one stands for them. With Match blocks: every combination of
    what they ask about, with a value on either side of each border that they draw. Raises InconclusiveError where
    that is more than can be asked.
    """
    asked: dict[str, list[str]] = {}
    for line in lines:
        if line.keyword == "match":
            for name, value in conditions(line.match):
                asked.setdefault(name, []).extend(_patterns(value))
    usual = Criterion()
    choices = {
        "user": _users(users, asked.get("user", ())) if {"user", "group"} & asked.keys() else [ANYBODY],
        "addr": _addresses(asked["address"], tuple(ADDRESSES)) if "address" in asked else [usual.addr],
        "host": _samples(asked.get("host", ()), usual.host, "elsewhere.invalid"),
        "laddr": _addresses(asked["localaddress"], (usual.laddr,)) if "localaddress" in asked else [usual.laddr],
        "lport": _samples(asked.get("localport", ()), usual.lport, "65022"),
        "rdomain": _samples(asked.get("rdomain", ()), usual.rdomain, "elsewhere"),
    }
    if math.prod(map(len, choices.values())) > LIMIT:
        raise InconclusiveError("the Match blocks of sshd tell more kinds of session apart than can be asked about")
    found = [Criterion(**dict(zip(choices, values, strict=True))) for values in product(*choices.values())]
    if not all(_SAFE.fullmatch(value) for each in found for value in vars(each).values() if value):
        raise InconclusiveError("a user, a host or a port that sshd tells apart cannot be named to `sshd -T`")
    return found


def _patterns(value: str) -> list[str]:
    return [pattern.removeprefix("!") for pattern in value.split(",") if pattern.removeprefix("!")]


def _users(users: Sequence[str], patterns: Iterable[str]) -> list[str]:
    """Return the users, and one for each pattern that means none of them."""
    strangers = [sample(pattern) for pattern in patterns if not any(fnmatchcase(user, pattern) for user in users)]
    return list(dict.fromkeys([*users, *strangers]))


def _samples(patterns: Sequence[str], usual: str, other: str) -> list[str]:
    """Return one value for each pattern, the usual one, and one that no pattern is likely to mean."""
    return list(dict.fromkeys([usual, *map(sample, patterns), other])) if patterns else [usual]


def _addresses(patterns: Sequence[str], bases: Sequence[str]) -> list[str]:
    """Return addresses on both sides of every border that the networks in `patterns` draw, and `bases`."""
    networks = [network for pattern in patterns if (network := _network(pattern)) is not None]
    found = [*bases, *(sample(pattern) for pattern in patterns if _network(pattern) is None)]
    for make, bits in ((ipaddress.IPv4Address, 32), (ipaddress.IPv6Address, 128)):
        own = [network for network in networks if network.max_prefixlen == bits]
        ends = {int(network.network_address) for network in own} | {int(each.broadcast_address) + 1 for each in own}
        known = [int(ipaddress.ip_address(base)) for base in bases if ipaddress.ip_address(base).max_prefixlen == bits]
        for start, end in pairwise(sorted({0, *ends, 2**bits}) if own else []):
            if not any(start <= base < end for base in known):
                found.append(str(make(min(start + 1, end - 1))))
    return list(dict.fromkeys(found))


def _network(pattern: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    """Return the network that a Match pattern means; None where it is a pattern of another kind."""
    if (prefix := re.fullmatch(r"((?:\d{1,3}\.){1,3})\*", pattern)) is not None:
        parts = prefix[1].count(".")
        pattern = f"{prefix[1]}{'.'.join(['0'] * (4 - parts))}/{8 * parts}"
    elif pattern == "*":
        pattern = "0.0.0.0/0"
    try:
        return ipaddress.ip_network(pattern, strict=False)
    except ValueError:
        return None


def sample(pattern: str) -> str:
    """Return a value that matches a Match pattern of names: wildcards filled in."""
    return re.sub(r"[*?]", "1" if re.search(r"\d", pattern) else "a", pattern)


@dataclass(frozen=True)
class Server:
    """A running sshd that listens."""

    program: str
    options: tuple[str, ...]
    """Those that change its configuration: flag and value in turn."""


def server(processes: bytes) -> Server | None:
    """Return the sshd that listens, None when none does.

    `processes` is what the question of that name answers: executable and command line of each process. Raises
    InconclusiveError where several listen in different ways, or the options cannot be told.
    """
    listeners: dict[Server, None] = {}
    for record in processes.split(b"\2"):
        executable, _, line = record.partition(b"\1")
        program = executable.decode("utf-8", "surrogateescape").strip("\n").removesuffix(" (deleted)")
        if program.rpartition("/")[2] == "sshd":
            words = _arguments(line.decode("utf-8", "surrogateescape"))
            if words is not None:
                listeners[Server(program, tuple(configuring(words)))] = None
    if len(listeners) > 1:
        raise InconclusiveError("several sshd run with different options")
    return next(iter(listeners), None)


def _arguments(line: str) -> list[str] | None:
    """Return the words after the program's name; None for a process that serves one session."""
    if title := _TITLE.match(line.rstrip("\0")):
        args, key_command = title["args"], []
        if found := _KEY_COMMAND.search(args):
            args, key_command = args[: found.start()], ["-o", found[1], "-o", found[2]]
        return [*args.split()[1:], *key_command]
    if line.startswith("sshd: "):
        return None
    return [word for word in line.split("\0") if word][1:]


def configuring(words: list[str]) -> list[str]:
    """Keep what changes the configuration, from a command line as getopt reads it: `-Df FILE` is two options."""
    kept: list[str] = []
    rest = iter(words)
    for word in rest:
        if not re.fullmatch(r"-[^-].*", word, re.DOTALL):
            raise InconclusiveError("the options of the running sshd cannot be read")
        flags = word[1:]
        while flags and flags[0] in _FLAGS_ALONE:
            flags = flags[1:]
        if flags and flags[0] not in _FLAGS_WITH_VALUE:
            raise InconclusiveError("the options of the running sshd cannot be read")
        if flags:
            value = flags[1:] or next(rest, "")
            if flags[0] == "o" and re.match(r"\W*(include|match)\b", value, re.IGNORECASE):
                raise InconclusiveError("the running sshd is told to include more by its command line")
            if flags[0] == "f" and not value.startswith("/"):
                raise InconclusiveError("the running sshd reads a file whose place cannot be told")
            kept += [f"-{flags[0]}", value] if flags[0] in _FLAGS_CONFIGURING else []
    return kept


def command(program: str, options: Sequence[str], criterion: Criterion) -> str:
    """Return the command line that asks sshd for the session's effective configuration."""
    return shlex.join([program, "-T", *options, "-C", criterion.spec])
