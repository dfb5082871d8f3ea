"""Whether the account may share an image as it is meant to: block public access, quotas, snapshots."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from amigate.check import Ask, InconclusiveError, NotApplicableError
from amigate.facts.ami import Ami, descriptions
from amigate.result import Finding

if TYPE_CHECKING:
    from amigate.evidence.model import Ec2Descriptions, Evidence

_ACCOUNT = re.compile(r"\d{12}")
EVERYBODY = "all"


@dataclass(frozen=True, kw_only=True)
class SharingTerms:
    """What AWS says of sharing in the region of the image."""

    ami: Ami
    region: str
    ec2: Ec2Descriptions

    @classmethod
    def read(cls, evidence: Evidence) -> SharingTerms:
        """Read the answers; raises InconclusiveError when EC2 was not asked."""
        region = evidence.target.region if evidence.target else ""
        return cls(ami=Ami.read(evidence), region=region or "its region", ec2=descriptions(evidence))

    def require_named_receivers(self) -> None:
        """Raise NotApplicableError for an image that is meant for everybody."""
        if self.ami.audience == "public":
            raise NotApplicableError("the image is meant for everybody, who is nobody to count")

    def public_access_blocks(self) -> list[Finding]:
        """Find that images of the account cannot become public; raises InconclusiveError where AWS did not say."""
        answer = self.ec2.answer(Ask.PUBLIC_ACCESS)
        state = str(answer.get("ImageBlockPublicAccessState", ""))
        if not state:
            raise InconclusiveError("AWS does not say whether images may become public")
        if state == "unblocked":
            return []
        remedy = (
            "a declarative policy of the organization says so, and the account cannot change it"
            if answer.get("ManagedBy") == "declarative-policy"
            else "the account can switch it off"
        )
        return [Finding(subject=self.region, detail=f"block public access for images is on ({state}): {remedy}")]

    def public_quota_shortfalls(self) -> list[Finding]:
        """Find that one more public image is too many.

        What lies in the Recycle Bin counts if it was public, which AWS does not tell: where it may be too much, this
        raises InconclusiveError, as it does where AWS did not answer."""
        counted, quota = self.ec2.answer(Ask.PUBLIC_IMAGES), self.ec2.answer(Ask.PUBLIC_QUOTA)
        others, thrown = counted["Public"], counted["RecycleBin"]
        if others + 1 > quota:
            detail = f"{others} other images of the account are public, and {quota:g} may be"
            return [Finding(subject=self.region, detail=detail)]
        if others + thrown + 1 > quota:
            raise InconclusiveError(
                f"{others} other images are public in {self.region}, {thrown} lie in the Recycle Bin, {quota:g} may "
                "be public: AWS does not tell which of those in it were"
            )
        return []

    def sharing_quota_shortfalls(self) -> list[Finding]:
        """Find more receivers, present and planned, than an image may have; an organization is one, whatever its size.

        Raises InconclusiveError where AWS did not answer."""
        if self.ami.shared_with is None:
            raise InconclusiveError(self.ami.not_seen)
        receivers = ({*self.ami.shared_with} | self.ami.receivers) - {EVERYBODY}
        quota = self.ec2.answer(Ask.SHARING_QUOTA)
        detail = f"{len(receivers)} accounts, organizations and units are to share it, and {quota:g} may"
        return [Finding(subject=self.ami.id, detail=detail)] if len(receivers) > quota else []

    def misused_snapshots(self, *, copyable: bool) -> list[Finding]:
        """Find snapshots that others than planned can read as raw disks, or that receivers who may copy cannot.

        Raises InconclusiveError where AWS did not show it, or an organization is to copy, which a snapshot cannot be
        shared with."""
        snapshots = [
            mapping.get("Ebs", {}).get("SnapshotId") for mapping in self.ec2.image.get("BlockDeviceMappings") or ()
        ]
        found, unseen = [], ""
        for snapshot in filter(None, snapshots):
            try:
                holders = {
                    str(who) for each in self.ec2.answer(Ask.SNAPSHOT_PERMISSIONS, snapshot) for who in each.values()
                }
            except InconclusiveError as error:
                unseen = unseen or str(error)
                continue
            details = (
                self._copyable(holders) if copyable else [f"{_shown(who)} can read it as a raw disk" for who in holders]
            )
            found += [Finding(subject=snapshot, detail=detail) for detail in sorted(details)]
        if not any(snapshots):
            raise NotApplicableError("the image has no snapshots")
        if unseen and not found:
            raise InconclusiveError(unseen)
        if (
            copyable
            and not found
            and any(not _ACCOUNT.fullmatch(who) and who != EVERYBODY for who in self.ami.receivers)
        ):
            raise InconclusiveError(
                "a snapshot cannot be shared with an organization, so it cannot be told who may copy"
            )
        return found

    def _copyable(self, holders: set[str]) -> list[str]:
        """Say what is wrong with the permissions of a snapshot that receivers are to copy."""
        planned = {who for who in self.ami.receivers if _ACCOUNT.fullmatch(who) or who == EVERYBODY}
        if self.ami.audience == "public":
            planned |= {EVERYBODY}
        surplus = holders - planned if self.ami.receivers or EVERYBODY in holders else set()
        missing = set() if EVERYBODY in holders else planned - holders
        return [f"{_shown(who)} can read it, and is nobody it is for" for who in surplus] + [
            f"{_shown(who)} cannot read it, and so cannot copy the image" for who in missing
        ]

    def encrypted_copies(self) -> list[Finding]:
        """Find that whatever is copied in the region comes out encrypted; raises InconclusiveError where not told."""
        answer = self.ec2.answer(Ask.ENCRYPTION_BY_DEFAULT)
        if "EbsEncryptionByDefault" not in answer:
            raise InconclusiveError("AWS does not say whether it encrypts by default")
        detail = "EBS encrypts by default: what is copied or made here is encrypted, and can never become public"
        return [Finding(subject=self.region, detail=detail)] if answer["EbsEncryptionByDefault"] else []


def _shown(who: str) -> str:
    return "everybody" if who == EVERYBODY else f"account {who}"
