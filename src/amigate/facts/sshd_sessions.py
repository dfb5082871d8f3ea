"""Which sessions to ask sshd about: who logs in from where, and with which options the server runs."""

from __future__ import annotations

import ipaddress
import re
import shlex
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from amigate.check import InconclusiveError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from amigate.facts.sshd_config import Line

ADDRESSES = {"198.51.100.7": "a public address", "10.0.0.7": "a private address", "127.0.0.1": "loopback"}
"""Where a session may come from when no Match block says more (the first is RFC 5737's)."""

ANYBODY = ""
"""Stands for every user, where no Match block tells users apart."""

_TITLE = re.compile(r"^sshd: (?P<args>/?\S*sshd\b.*?) \[listener\]")
_FLAGS_ALONE = set("46DdeiqRtT")
_FLAGS_WITH_VALUE = set("CEbcfghkopu")


@dataclass(frozen=True)
class Criterion:
    """A session as `sshd -T -C` takes it, https://man.openbsd.org/sshd#C."""

    user: str = ANYBODY
    addr: str = "198.51.100.7"
    host: str = "client.example.com"
    laddr: str = "192.0.2.10"
    lport: str = "22"

    @property
    def spec(self) -> str:
        """The argument of -C."""
        user = self.user or "root"
        return f"user={user},host={self.host},addr={self.addr},laddr={self.laddr},lport={self.lport}"

    @property
    def subject(self) -> str:
        """The session in words."""
        if not self.user:
            return "every user, from anywhere"
        usual = Criterion()
        others = {"host": self.host, "local address": self.laddr, "local port": self.lport}
        known = {usual.host, usual.laddr, usual.lport}
        extra = "".join(f", {name} {value}" for name, value in others.items() if value not in known)
        return f"user {self.user} from {ADDRESSES.get(self.addr, self.addr)}{extra}"


def criteria(lines: Sequence[Line], users: Iterable[str]) -> list[Criterion]:
    """Return the sessions that see every value this configuration can give to `users`.

    Without a Match block all sessions are alike and one stands for them. With Match blocks: each user from each
    usual address, and one more for each value that a block names."""
    blocks = [line.words for line in lines if line.keyword == "match"]
    if not blocks:
        return [Criterion()]
    found: dict[Criterion, None] = {}
    for user in users:
        for base in (Criterion(user=user, addr=addr) for addr in ADDRESSES):
            found[base] = None
        for block in blocks:
            for criterion in _within(Criterion(user=user), block):
                found[criterion] = None
    return list(found)


def _within(base: Criterion, block: Sequence[str]) -> list[Criterion]:
    """Return sessions that meet the block's criteria as far as `base`'s user lets them."""
    found = [base]
    for name, patterns in zip(block[::2], block[1::2], strict=False):
        field = {"address": "addr", "host": "host", "localaddress": "laddr", "localport": "lport"}
        if (attribute := field.get(name.lower())) is not None:
            samples = [sample(p) for p in patterns.split(",") if p and not p.startswith("!")]
            found = [replace(one, **{attribute: s}) for one in found for s in samples] or found
    return found


def sample(pattern: str) -> str:
    """Return a value that matches a Match pattern: the first address of a network, wildcards filled in."""
    try:
        network = ipaddress.ip_network(pattern, strict=False)
    except ValueError:
        filled = re.sub(r"(?<=[.:])\*$|^\*$", "1", pattern) if re.search(r"\d", pattern) else pattern
        return re.sub(r"[*?]", "1" if re.search(r"\d", pattern) else "a", filled)
    return str(network.network_address + (1 if network.num_addresses > 1 else 0))


def server_options(processes: bytes) -> list[str] | None:
    """Return the options with which the listening sshd runs and which change its configuration, for `sshd -T`.

    None when no sshd listens. `processes` is what the question of that name answers: executable and command line of
    each process. Raises InconclusiveError where the options cannot be told."""
    listeners: dict[tuple[str, ...], None] = {}
    for record in processes.split(b"\2"):
        executable, _, line = record.partition(b"\1")
        if executable.decode("utf-8", "replace").rpartition("/")[2].split()[:1] == ["sshd"]:
            words = _arguments(line.decode("utf-8", "surrogateescape"))
            if words is not None:
                listeners[tuple(_configuring(words))] = None
    if len(listeners) > 1:
        raise InconclusiveError("several sshd run with different options")
    return list(next(iter(listeners))) if listeners else None


def _arguments(line: str) -> list[str] | None:
    """Return the words after the program's name; None for a process that serves one session."""
    if title := _TITLE.match(line.rstrip("\0")):
        return title["args"].split()[1:]
    if line.startswith("sshd: "):
        return None
    return [word for word in line.split("\0") if word][1:]


def _configuring(words: list[str]) -> list[str]:
    """Keep -f, -o and -p of sshd's command line."""
    kept: list[str] = []
    rest = iter(words)
    for word in rest:
        flag = word[1:2]
        if not word.startswith("-") or flag not in _FLAGS_ALONE | _FLAGS_WITH_VALUE:
            raise InconclusiveError("the options of the running sshd cannot be read")
        if flag in _FLAGS_WITH_VALUE:
            value = word[2:] or next(rest, "")
            if flag in "fop":
                kept += [f"-{flag}", value]
    return kept


def command(program: str, options: Sequence[str], criterion: Criterion) -> str:
    """Return the command line that asks sshd for the session's effective configuration."""
    return shlex.join([program, "-T", *options, "-C", criterion.spec])
