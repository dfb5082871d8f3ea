"""The keys by which a machine proves who it is."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from amigate.check import InconclusiveError
from amigate.evidence.globs import covers
from amigate.evidence.keep import Keep
from amigate.evidence.questions import Glob, Needs, Question, ReadFile, Run
from amigate.facts.authorized_keys import parse
from amigate.facts.sshd import Sshd
from amigate.result import Finding

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from amigate.evidence.model import View

USUAL = Glob("/etc/ssh/ssh_host_*key", Keep.NOTHING)
CLOCK = Run("clock", "date +%s; cat /proc/uptime", Keep.NUMBERS)

_SLACK_S = 5
"""What rounding, and a clock that is set during boot, may cost."""


@dataclass(frozen=True, kw_only=True)
class HostKey:
    """One private host key of the machine, known by its public half."""

    path: str
    type: str
    fingerprint: str
    mtime_s: int

    def finding(self, detail: str) -> Finding:
        """Return the finding that this key is what `detail` says."""
        return Finding(path=self.path, detail=f"{detail} ({self.type})", fingerprint=self.fingerprint)


@dataclass(frozen=True, kw_only=True)
class HostKeys:
    """The host keys of a running machine, and when it was started."""

    all: tuple[HostKey, ...]
    booted_s: int
    now_s: int
    """Seconds since the epoch, by the machine's clock: when it was started, and when it was asked."""

    @classmethod
    def read(cls, view: View) -> HostKeys:
        """Read every host key that sshd is configured with and every one in the usual place.

        Raises InconclusiveError when one is there and its public half cannot be told."""
        keys = []
        for path in _paths(view):
            entry = view.entry(path)
            if entry is None:
                continue
            answer = view.answer(public_half(path).key)
            found = parse(answer.text, user="", path=path)
            if answer.exit_code != 0 or len(found) != 1 or not found[0].fingerprint:
                raise InconclusiveError(f"{path}: `ssh-keygen -y` cannot tell its public key")
            keys.append(HostKey(path=path, type=found[0].type, fingerprint=found[0].fingerprint, mtime_s=entry.mtime_s))
        now_s, uptime_s = _clock(view)
        return cls(all=tuple(keys), booted_s=now_s - uptime_s, now_s=now_s)

    def older_than_this_boot(self) -> list[Finding]:
        """Find the keys whose file was written before the machine was started.

        Raises InconclusiveError when that could not be told of some key, and nothing was found of the others."""
        found = self.older_findings()
        if not found:
            self.require_dated()
        return found

    def older_findings(self) -> list[Finding]:
        """Find them among those that can be dated."""
        return [
            key.finding("was made before this machine was started")
            for key in self.all
            if key.mtime_s < self.booted_s - _SLACK_S
        ]

    def require_dated(self) -> None:
        """Raise InconclusiveError when a key is from the future: one of image and machine had a wrong clock."""
        for key in self.all:
            if key.mtime_s > self.now_s + _SLACK_S:
                raise InconclusiveError(
                    f"{key.path} is from the future by the machine's clock, so it is not known when it was made"
                )

    def shared_with(self, fingerprints: Collection[str]) -> list[Finding]:
        """Find the keys that another launch has as well."""
        return [key.finding("is the same on two launches") for key in self.all if key.fingerprint in fingerprints]


def _clock(view: View) -> tuple[int, int]:
    """Return seconds since the epoch, and since the machine was started."""
    match = re.fullmatch(r"(\d{1,12})\n(\d{1,12})(?:\.\d+)? .*\s*", view.answer(CLOCK.key).text)
    if match is None:
        raise InconclusiveError("the machine does not tell when it was started")
    return int(match[1]), int(match[2])


def _paths(view: View) -> list[str]:
    return list(dict.fromkeys([*_configured(view), *(entry.path for entry in view.glob(USUAL.key))]))


def _configured(view: View) -> list[str]:
    return [path for session in Sshd.read(view).sessions for path in session.settings.get("hostkey", ())]


def public_half(path: str) -> Run:
    """Ask for the public half of a private key; `-P ''` so that one with a passphrase is no question."""
    return Run(f"public half of {path}", f"ssh-keygen -y -P '' -f {shlex.quote(path)}", Keep.PUBLIC_KEY)


def _then(view: View) -> Iterator[Question]:
    """Ask about the usual ones at once, and about others once sshd has said where they are."""
    yield from (public_half(entry.path) for entry in view.glob(USUAL.key))
    for path in _configured(view):
        if not covers(USUAL.pattern, path):
            yield ReadFile(path, Keep.NOTHING)
            if path in view.entries:
                yield public_half(path)


NEEDS = Needs(first=(USUAL, CLOCK), then=_then)
