"""The files by which rshd and sshd trust other machines, https://man.openbsd.org/sshd#FILES."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING

from amigate.evidence.questions import Needs
from amigate.facts import accounts, links
from amigate.facts.accounts import Accounts
from amigate.result import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from amigate.evidence.model import View
    from amigate.evidence.questions import Question

_OF_SYSTEM = ("/etc/hosts.equiv", "/etc/ssh/shosts.equiv")
_OF_HOMES = (".rhosts", ".shosts")


@dataclass(frozen=True, kw_only=True)
class HostTrust:
    """The files that there are."""

    files: tuple[Finding, ...]

    @classmethod
    def read(cls, view: View) -> HostTrust:
        """Look for them; raises InconclusiveError for what was not seen."""
        known = Accounts.read(view)
        known.require_all_seen()
        return cls(
            files=tuple(
                Finding(path=path, detail="other machines are trusted to say who logs in")
                for path in _paths(known)
                if links.is_filled(view, path)
            )
        )


def _paths(known: Accounts) -> list[str]:
    homes = dict.fromkeys("/" + posixpath.normpath(account.home).lstrip("/") for account in known.everybody)
    return [*_OF_SYSTEM, *(posixpath.join(home, name) for home in homes for name in _OF_HOMES)]


def _then(view: View) -> Iterator[Question]:
    for path in _paths(Accounts.read(view)):
        yield from links.chain(view, path)


NEEDS = Needs(first=accounts.NEEDS.first, then=_then)
