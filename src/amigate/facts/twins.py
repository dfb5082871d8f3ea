"""Two launches of the same image, with different keys, compared."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from amigate.check import InconclusiveError
from amigate.evidence.model import Kind, Launch, Vantage, Viewpoint
from amigate.facts.authorized_keys import AuthorizedKeys
from amigate.facts.host_keys import HostKeys
from amigate.facts.identities import KNOWN, declared, digest, identity, why_shared
from amigate.result import Finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from amigate.evidence.model import Entry, Evidence, View

_OWNER_ONLY = 0o600


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
            found += [replace(finding, seen=launch) for finding in own.older_findings()]
        shared = keys[Launch.A].shared_with({key.fingerprint for key in keys[Launch.B].all})
        found += shared + self._same_handshake({finding.fingerprint for finding in shared})
        if not found:
            for own in keys.values():
                own.require_dated()
        return found

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

    def shared_identities(self, more: Iterable[str] = ()) -> list[Finding]:
        """Find the ids, names and seeds that both launches have, in files that are known or of the patterns in `more`.

        Raises InconclusiveError where one could not be told, and none was found."""
        found: list[Finding] = []
        unknown: list[InconclusiveError] = []
        for path in KNOWN:
            try:
                a, b = identity(self.a, path), identity(self.b, path)
            except InconclusiveError as error:
                unknown.append(error)
                continue
            found += [Finding(path=path, detail=why_shared(a))] if a and a == b else []
        for pattern in more:
            found += self._same_content(pattern, unknown)
        return _decided(found, unknown)

    def secret_faults(self, patterns: Iterable[str]) -> list[Finding]:
        """Find files of secrets that are missing, empty, the same on both launches, or open to others than root.

        Raises InconclusiveError where one could not be told, and no fault was found."""
        found: list[Finding] = []
        unknown: list[InconclusiveError] = []
        for pattern in patterns:
            for launch, entries in self._declared(pattern, unknown):
                found += [replace(fault, seen=launch) for fault in _faults_of(pattern, entries)]
                links = [entry.path for entry in entries if entry.kind is Kind.LINK]
                unknown += [InconclusiveError(f"{path} is a link: name the file that it leads to") for path in links]
            found += self._same_content(pattern, unknown)
        return _decided(found, unknown)

    def _declared(self, pattern: str, unknown: list[InconclusiveError]) -> Iterator[tuple[Launch, list[Entry]]]:
        """Yield what each launch has of a profile's pattern; where that cannot be told, say so in `unknown`."""
        for launch, view in ((Launch.A, self.a), (Launch.B, self.b)):
            try:
                yield launch, declared(view, pattern)
            except InconclusiveError as error:
                unknown.append(error)

    def _same_content(self, pattern: str, unknown: list[InconclusiveError]) -> list[Finding]:
        """Find contents that both launches have, in whichever file of the pattern they stand."""
        paths: dict[Launch, dict[str, str]] = {Launch.A: {}, Launch.B: {}}
        for launch, entries in self._declared(pattern, unknown):
            for entry in entries:
                try:
                    paths[launch].setdefault(digest(entry), entry.path)
                except InconclusiveError as error:
                    unknown.append(error)
        shared = sorted((paths[Launch.A].keys() & paths[Launch.B].keys()) - {""}, key=paths[Launch.A].__getitem__)
        return [Finding(path=paths[Launch.A][each], detail=why_shared(each)) for each in shared]

    def _launched_with_different_keys(self) -> bool:
        contacts = [view.contact for view in (self.a, self.b) if view.contact is not None]
        return len({contact.launch_key for contact in contacts} - {""}) == 2  # noqa: PLR2004 - one each


def _decided(found: list[Finding], unknown: list[InconclusiveError]) -> list[Finding]:
    """Return what was found; raise the first of what is unknown when that is nothing."""
    if unknown and not found:
        raise unknown[0]
    return found


def _faults_of(pattern: str, entries: list[Entry]) -> Iterator[Finding]:
    """Find what is wrong with the files of secrets of one launch, whatever is in them."""
    if not entries:
        yield Finding(path=pattern, detail="first boot does not make it")
    for entry in entries:
        if entry.kind is Kind.LINK:
            continue
        if entry.kind is not Kind.FILE:
            yield Finding(path=entry.path, detail="is no regular file")
        elif entry.size == 0:
            yield Finding(path=entry.path, detail="is empty")
        elif entry.uid != 0 or entry.mode & ~_OWNER_ONLY:
            yield Finding(
                path=entry.path,
                detail=f"belongs to user id {entry.uid} with mode {entry.mode:04o}, not to root with 0600",
            )
