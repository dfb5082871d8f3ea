"""Every fact that a check can ask for by name: adding one is a file and a row here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from amigate.facts import accounts, authorized_keys, host_keys, packages, sshd
from amigate.facts.ami import Ami
from amigate.facts.twins import Twins

if TYPE_CHECKING:
    from collections.abc import Callable

    from amigate.evidence.model import Evidence, View
    from amigate.evidence.questions import Needs


@dataclass(frozen=True)
class ViewFact:
    """A fact about one view of the image: its name, how to read it and what must be collected for it."""

    name: str
    read: Callable[[View], object]
    needs: Needs


@dataclass(frozen=True)
class ImageFact:
    """A fact about the image as a whole, read from all of the evidence."""

    name: str
    read: Callable[[Evidence], object]


VIEW_FACTS = (
    ViewFact("accounts", accounts.Accounts.read, accounts.NEEDS),
    ViewFact("sshd", sshd.Sshd.read, sshd.NEEDS),
    ViewFact("authorized_keys", authorized_keys.AuthorizedKeys.read, authorized_keys.NEEDS),
    ViewFact("host_keys", host_keys.HostKeys.read, host_keys.NEEDS),
    ViewFact("packages", packages.Packages.read, packages.NEEDS),
)
IMAGE_FACTS = (
    ImageFact("ami", Ami.read),
    ImageFact("twins", Twins.read),
)
NEEDS = tuple(fact.needs for fact in VIEW_FACTS)
"""All that is collected from a machine."""
