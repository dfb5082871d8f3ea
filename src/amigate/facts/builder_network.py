"""Settings of network cards in an image at rest that are of the machine it was built on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from amigate.check import InconclusiveError
from amigate.evidence.keep import Keep
from amigate.evidence.model import Kind
from amigate.evidence.questions import Glob, Needs
from amigate.evidence.redaction.network import ADDRESS, CARD
from amigate.facts.host_keys import CLOCK
from amigate.result import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from amigate.evidence.model import View
    from amigate.evidence.questions import Question

_FILES = (
    *(
        Glob(pattern, Keep.CARDS)
        for pattern in (
            "/etc/netplan/*",
            "/etc/NetworkManager/system-connections/*",
            "/etc/sysconfig/network-scripts/ifcfg-*",
            "/etc/sysconfig/network/ifcfg-*",
            "/etc/systemd/network/*",
            "/etc/systemd/network/*.d/*.conf",
            "/etc/network/interfaces",
            "/etc/network/interfaces.d/*",
            "/etc/udev/rules.d/*.rules",
        )
    ),
)
_SAYS = {CARD: "it names a network card by its address", ADDRESS: "it gives a card a fixed address"}


@dataclass(frozen=True, kw_only=True)
class BuilderNetwork:
    """The lines that name a card or a fixed address."""

    all: tuple[Finding, ...]

    @classmethod
    def read(cls, view: View) -> BuilderNetwork:
        """Read every file; raises InconclusiveError where one was not seen."""
        return cls(all=tuple(_findings(view)))


def _findings(view: View) -> Iterator[Finding]:
    for glob in _FILES:
        for entry in view.glob(glob.key):
            if entry.kind is Kind.DIRECTORY or entry.target == "/dev/null":
                continue
            if CARD not in entry.summary:
                raise InconclusiveError(f"{entry.path}: it could not be read")
            for what, detail in _SAYS.items():
                for number in filter(None, entry.summary[what].split(",")):
                    yield Finding(path=entry.path, line=int(number), detail=detail)


def _then(view: View) -> Iterator[Question]:
    if view.is_at_rest(CLOCK.key):
        yield from _FILES


NEEDS = Needs(first=(CLOCK,), then=_then)
"""Only a file system at rest is asked: a running machine's cards are its own."""
