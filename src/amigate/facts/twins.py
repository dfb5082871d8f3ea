"""Two launches of the same image, with different keys, compared."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from amigate.check import InconclusiveError
from amigate.evidence.model import Launch, Vantage, Viewpoint
from amigate.facts.authorized_keys import AuthorizedKeys
from amigate.facts.host_keys import HostKeys
from amigate.result import Finding

if TYPE_CHECKING:
    from amigate.evidence.model import Evidence, View


def inside(evidence: Evidence, launch: Launch, boot: int = 1) -> View:
    """Return the view from inside, with the contact through which it was taken."""
    view = evidence.view(Viewpoint(launch, boot, Vantage.INSIDE))
    outside = evidence.view(Viewpoint(launch, boot, Vantage.OUTSIDE))
    return replace(view, contact=outside.contact)


@dataclass(frozen=True, kw_only=True)
class Twins:
    """Launches A and B of one image."""

    a: View
    b: View

    @classmethod
    def read(cls, evidence: Evidence) -> Twins:
        """Take both views; what cannot be told of one raises InconclusiveError when it is asked."""
        return cls(a=inside(evidence, Launch.A), b=inside(evidence, Launch.B))

    def host_key_faults(self) -> list[Finding]:
        """Find host keys that both launches have, that are older than the boot, or a launch that has none."""
        keys = {Launch.A: HostKeys.read(self.a), Launch.B: HostKeys.read(self.b)}
        found = [
            Finding(subject=f"launch {launch}", detail="it has no host key")
            for launch, own in keys.items()
            if not own.all
        ]
        for launch, own in keys.items():
            found += [replace(finding, seen=launch) for finding in own.older_than_this_boot()]
        shared = keys[Launch.A].shared_with({key.fingerprint for key in keys[Launch.B].all})
        return found + shared + self._same_handshake({finding.fingerprint for finding in shared})

    def _same_handshake(self, known: set[str]) -> list[Finding]:
        """Find a host key that both servers proved to hold, wherever they keep it."""
        proved = {view.contact.host_key for view in (self.a, self.b) if view.contact is not None} - {""}
        if not (self.a.contact and self.b.contact) or len(proved) != 1:
            return []
        if not (self.a.contact.host_key and self.b.contact.host_key) or proved <= known:
            return []
        detail = f"both launches prove the same host key ({self.a.contact.host_key_type})"
        return [Finding(subject="SSH handshake", detail=detail, fingerprint=proved.pop())]

    def keys_of_both(self) -> list[Finding]:
        """Find the authorized keys that both launches have; compares the keys, not the lines they stand in."""
        a, b = AuthorizedKeys.read(self.a), AuthorizedKeys.read(self.b)
        if not self._launched_with_different_keys():
            raise InconclusiveError("the launches were not made with different keys, so they prove nothing")
        found = [
            key.finding("a key that two launches with different keys have in common")
            for key in a.all
            if key.fingerprint in b.fingerprints
        ]
        if not found and all(any(not key.fingerprint for key in each.all) for each in (a, b)):
            raise InconclusiveError("both launches have a line in a key file that is in no known form")
        return found

    def _launched_with_different_keys(self) -> bool:
        contacts = [view.contact for view in (self.a, self.b) if view.contact is not None]
        return len({contact.launch_key for contact in contacts} - {""}) == 2  # noqa: PLR2004 - one each
