"""Authorized keys that tools to build images leave, and that others hold as well."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from amigate.check import InconclusiveError
from amigate.evidence.questions import Needs
from amigate.facts import authorized_keys, stored_keys
from amigate.facts.authorized_keys import AuthorizedKeys
from amigate.facts.host_keys import CLOCK
from amigate.facts.stored_keys import StoredKeys

if TYPE_CHECKING:
    from collections.abc import Iterator

    from amigate.evidence.model import View
    from amigate.evidence.questions import Question
    from amigate.facts.authorized_keys import AuthorizedKey
    from amigate.result import Finding

_VAGRANT = frozenset(
    {
        "SHA256:1M4RzhMyWuFS/86uPY/ce2prh/dVTHW7iD2RhpquOZA",
        "SHA256:WkvqjnyPAeC0cbPErYiGP9vqHdgL1MqqvPdIe3lvHgI",
    }
)
"""Vagrant's insecure keys, RSA and Ed25519, https://github.com/hashicorp/vagrant/tree/main/keys: everybody has both."""
_COMMENTS = re.compile(r"packer[_-].*|packer|vagrant|vagrant@.*|.*@vagrant\.local|kitchen[_-].*|imagebuilder[_-].*")
"""What Packer and others call the keys that they make for one build."""


@dataclass(frozen=True, kw_only=True)
class BuilderKeys:
    """The keys that are a builder's."""

    all: tuple[Finding, ...]
    gap: str = ""
    """Why there may be more."""

    @classmethod
    def read(cls, view: View) -> BuilderKeys:
        """Read the key files of all accounts; raises InconclusiveError where they cannot be told."""
        if not view.is_at_rest(CLOCK.key):
            return cls(all=tuple(_findings(AuthorizedKeys.read(view).all)))
        stored = StoredKeys.read(view)
        return cls(all=tuple(_findings(stored.all)), gap=next(iter(stored.gaps), ""))

    def require_whole(self) -> None:
        """Raise InconclusiveError where something was not looked at."""
        if self.gap:
            raise InconclusiveError(self.gap)


def _findings(keys: tuple[AuthorizedKey, ...]) -> Iterator[Finding]:
    for key in keys:
        if key.fingerprint in _VAGRANT:
            yield key.finding("Vagrant's insecure key, whose private half everybody has")
        elif _COMMENTS.fullmatch(key.comment):
            yield key.finding("a key that a tool made to build the image")


def _then(view: View) -> Iterator[Question]:
    needs = stored_keys.NEEDS if view.is_at_rest(CLOCK.key) else authorized_keys.NEEDS
    return iter(needs.then(view) if needs.then else ())


NEEDS = Needs(first=tuple(dict.fromkeys(chain(stored_keys.NEEDS.first, authorized_keys.NEEDS.first))), then=_then)
