"""What is seen of a launch from outside: how it is reached, how EC2 says it stands, what a stranger is offered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from amigate.check import InconclusiveError
from amigate.evidence.frames import SUDO_REFUSED
from amigate.evidence.model import CONSOLE, PASSWORD_METHODS, Outcome, Standing
from amigate.result import Finding

if TYPE_CHECKING:
    from amigate.evidence.model import Contact, Evidence, Offer, Searched, View

GONE = frozenset({"shutting-down", "stopping", "stopped", "terminated"})
"""The states of an instance that nobody will reach any more."""


def contact(view: View) -> Contact:
    """Return how the launch could be reached; raises InconclusiveError when nobody tried."""
    if view.contact is None:
        raise InconclusiveError(view.broken or "the launch was not contacted")
    return view.contact


def launch_user(view: View) -> str:
    """Return who logged in to the launch; empty where nobody did, as at rest."""
    seen = view.contact
    return seen.user if seen is not None and seen.outcome is Outcome.ACCEPTED else ""


def logins(evidence: Evidence) -> tuple[str, ...]:
    """Return the launches to which somebody could log in with the launch key."""
    return tuple(
        str(viewpoint.launch)
        for viewpoint, view in evidence.views.items()
        if view.contact is not None and view.contact.outcome is Outcome.ACCEPTED
    )


def standing(view: View) -> Standing:
    """Return what EC2 says of the launch; raises InconclusiveError when it was not asked."""
    if view.standing is None:
        raise InconclusiveError(view.broken or "EC2 was not asked how the launch stands")
    return view.standing


def status_faults(seen: Standing) -> list[Finding]:
    """Find what the status checks say against the image.

    The instance check speaks of the guest, the system check of AWS's own host: an impaired host says nothing of
    the image. Raises InconclusiveError when the checks have not passed and do not fail.
    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/monitoring-system-instance-status-check.html"""
    if found := impaired(seen):
        return found
    if seen.state in GONE:
        raise InconclusiveError(f"the instance was {seen.state} before its status checks had passed")
    if (seen.system, seen.instance) != ("ok", "ok"):
        said = f"system check {seen.system or 'unknown'}, instance check {seen.instance or 'unknown'}"
        raise InconclusiveError(f"the status checks had not passed after {seen.waited_s:.0f} s: {said}")
    return []


def impaired(seen: Standing) -> list[Finding]:
    """Find the instance status check failing, whatever else is not known."""
    detail = f"it is impaired after {seen.waited_s:.0f} s"
    return [Finding(subject="instance status check", detail=detail)] if seen.instance == "impaired" else []


@dataclass(frozen=True, kw_only=True)
class Console:
    """What the serial console of a launch shows of secrets."""

    searched: Searched

    @classmethod
    def read(cls, view: View) -> Console:
        """Take the search; raises InconclusiveError where EC2 showed nothing, or was not asked."""
        return cls(searched=view.search(CONSOLE))

    def findings(self) -> list[Finding]:
        """Find each secret, by its line from the first that EC2 has kept."""
        return [
            Finding(subject=CONSOLE, line=each.line, detail=each.detail, fingerprint=each.fingerprint)
            for each in self.searched.found
        ]


def becoming_root(view: View) -> list[Finding]:
    """Find that who logged in cannot become root, by what came of collecting from inside, which is done as root.

    Raises InconclusiveError where that says nothing of it."""
    if view.broken == SUDO_REFUSED:
        return [Finding(subject="the login user", detail="`sudo -n` is refused, or not there")]
    if view.broken or not (view.entries or view.answers):
        raise InconclusiveError(view.broken or "nothing was collected from inside")
    return []


@dataclass(frozen=True, kw_only=True)
class Offers:
    """What an SSH server offers to strangers, name by name."""

    all: tuple[Offer, ...]

    @classmethod
    def read(cls, view: View) -> Offers:
        """Take the offers; raises InconclusiveError when no stranger asked."""
        if not view.offers:
            raise InconclusiveError(view.broken or "no stranger has asked the server")
        return cls(all=view.offers)

    def passwords(self) -> list[Finding]:
        """Find the names for which a password is asked, or nothing at all.

        Raises InconclusiveError when that could not be told of some name, and nothing was found of the others."""
        found = self.password_findings()
        if not found:
            self.require_all_seen()
        return found

    def require_all_seen(self) -> None:
        """Raise InconclusiveError when it could not be told what some name is offered."""
        for offer in self.all:
            if offer.unseen:
                raise InconclusiveError(f"user {offer.user}: {offer.unseen}")

    def password_findings(self) -> list[Finding]:
        """Find the names for which a password is asked, or nothing at all, among those that were answered."""
        found = []
        for offer in self.all:
            methods = [method for method in offer.methods if method in PASSWORD_METHODS]
            if offer.admitted:
                found.append(Finding(subject=f"user {offer.user}", detail="the server lets this name in with no proof"))
            elif methods:
                found.append(Finding(subject=f"user {offer.user}", detail=f"the server offers {' and '.join(methods)}"))
        return found


def unanswered(seen: Contact) -> str:
    """Return why nothing can be said of the image when nobody logged in; empty when a server refused the key."""
    return "" if seen.outcome in {Outcome.ACCEPTED, Outcome.DENIED} else f"no login was possible: {seen.detail}"
