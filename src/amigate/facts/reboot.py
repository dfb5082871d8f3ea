"""A launch before and after it was rebooted."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from amigate.check import AnswerError, InconclusiveError
from amigate.evidence.keep import Keep
from amigate.evidence.model import Outcome, Vantage, Viewpoint
from amigate.evidence.questions import Needs, Run
from amigate.facts.authorized_keys import parse
from amigate.facts.host_keys import HostKeys, public_half
from amigate.facts.outside import GONE, status_faults
from amigate.facts.twins import inside
from amigate.result import Finding

if TYPE_CHECKING:
    from amigate.evidence.model import Contact, Evidence, Standing, View

BOOT_ID = Run("boot id", "cat /proc/sys/kernel/random/boot_id", Keep.UUID)
"""New at every boot: https://man7.org/linux/man-pages/man4/random.4.html"""

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\n?")
NEEDS = Needs(first=(BOOT_ID,))


def after_reboot(before: View) -> Needs:
    """Return what is asked after the reboot: the boot, and the host keys that there were `before`."""
    try:
        paths = [key.path for key in HostKeys.read(before).all]
    except AnswerError:
        paths = []  # the fact will say so when a check asks it
    return Needs(first=(BOOT_ID, *map(public_half, paths)))


def boot_id(view: View) -> str:
    """Return which boot a view was taken in; raises InconclusiveError when the machine does not tell."""
    text = view.answer(BOOT_ID.key).text
    if not _UUID.fullmatch(text):
        raise InconclusiveError("the machine does not tell which boot this is")
    return text.strip()


@dataclass(frozen=True, kw_only=True)
class Boot:
    """One boot of a launch, from outside and from inside."""

    outside: View
    inside: View


@dataclass(frozen=True, kw_only=True)
class Reboot:
    """The launch that was rebooted."""

    before: Boot
    after: Boot

    @classmethod
    def read(cls, evidence: Evidence) -> Reboot:
        """Take the views of both boots; raises InconclusiveError when no launch was rebooted."""
        rebooted = [viewpoint.launch for viewpoint in evidence.views if viewpoint.boot == 2]  # noqa: PLR2004 - the second
        if not rebooted or rebooted[0] is None:
            raise InconclusiveError("no launch was rebooted")
        launch = rebooted[0]
        before, after = (
            Boot(
                outside=evidence.view(Viewpoint(launch, number, Vantage.OUTSIDE)),
                inside=inside(evidence, launch, number),
            )
            for number in (1, 2)
        )
        return cls(before=before, after=after)

    def faults(self) -> list[Finding]:
        """Find what the reboot broke: the login, the status checks, the host keys.

        Raises InconclusiveError when there was no reboot to judge: nobody could log in before it, or the machine
        is still in its first boot."""
        contact, standing = self._contact_after(), self.after.outside.standing
        if contact.outcome is not Outcome.ACCEPTED:
            self._require_ours(contact, standing)
            return [Finding(subject=f"port {contact.port}", detail=f"nobody can log in any more: {contact.detail}")]
        if boot_id(self.before.inside) == boot_id(self.after.inside):
            raise InconclusiveError("the machine was told to reboot, and did not")
        return self._changed_host_keys(contact) or (status_faults(standing) if standing else [])

    @staticmethod
    def _require_ours(contact: Contact, standing: Standing | None) -> None:
        """Raise InconclusiveError where it may not be the image's doing that nothing answers."""
        if contact.outcome is Outcome.BARRED:
            raise InconclusiveError(f"after the reboot, {contact.detail}")
        if contact.outcome is Outcome.SILENT and standing is not None:
            if standing.state in GONE:
                raise InconclusiveError(f"after the reboot, somebody else had the instance {standing.state}")
            if standing.system == "impaired":
                raise InconclusiveError("after the reboot, the system status check is impaired, which is AWS's side")

    def _contact_after(self) -> Contact:
        before, after = self.before.outside.contact, self.after.outside.contact
        if before is None or before.outcome is not Outcome.ACCEPTED:
            raise InconclusiveError("nobody could log in before the reboot, so it shows nothing")
        if after is None:
            raise InconclusiveError(self.after.outside.broken or "nobody looked after the reboot")
        return after

    def _changed_host_keys(self, contact: Contact) -> list[Finding]:
        """Compare each host key by its file, and the one that the server proved to hold."""
        found = []
        for key in HostKeys.read(self.before.inside).all:
            answer = self.after.inside.answer(public_half(key.path).key)
            now = parse(answer.text, user="", path=key.path)
            if answer.exit_code != 0 or len(now) != 1 or not now[0].fingerprint:
                found.append(key.finding("this host key is gone after the reboot"))
            elif now[0].fingerprint != key.fingerprint:
                found.append(key.finding("this host key is another one after the reboot"))
        earlier = self.before.outside.contact
        same_type = earlier is not None and earlier.host_key_type == contact.host_key_type
        if not found and same_type and earlier and earlier.host_key != contact.host_key:
            detail = f"the server proves another host key after the reboot ({contact.host_key_type})"
            found.append(Finding(subject="SSH handshake", detail=detail, fingerprint=contact.host_key))
        return found
