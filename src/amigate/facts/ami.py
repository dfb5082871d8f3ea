"""What EC2 says of the image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from amigate.check import InconclusiveError, NotApplicableError
from amigate.evidence.model import LAUNCH_PERMISSION
from amigate.result import Finding

if TYPE_CHECKING:
    from amigate.evidence.model import Ec2Descriptions, Evidence


@dataclass(frozen=True, kw_only=True)
class Ami:
    """The image as DescribeImages shows it, https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Image.html."""

    id: str
    state: str
    owner: str
    caller: str
    """The account that asks, and that would share it."""
    root_device_type: str
    """`ebs` or `instance-store`; empty when EC2 does not say."""
    product_codes: tuple[str, ...]
    encrypted: tuple[str, ...]
    """Ids of the snapshots that are encrypted."""
    unseen_snapshots: tuple[str, ...]
    """Why a snapshot could not be looked at."""
    shared_with: tuple[str, ...] | None
    """Who holds a launch permission: account ids, `all`, ARNs; None when that was not seen."""
    not_seen: str
    """Why the launch permissions were not seen."""
    audience: str
    receivers: frozenset[str]
    """With whom the image is to be shared."""

    @classmethod
    def read(cls, evidence: Evidence) -> Ami:
        """Read the description; raises InconclusiveError when EC2 was not asked."""
        ec2 = descriptions(evidence)
        image = ec2.image
        permissions = ec2.permissions
        return cls(
            id=str(image.get("ImageId", "")),
            state=str(image.get("State", "")),
            owner=str(image.get("OwnerId", "")),
            caller=ec2.caller,
            root_device_type=str(image.get("RootDeviceType", "")),
            product_codes=tuple(str(code.get("ProductCodeId", "")) for code in image.get("ProductCodes") or ()),
            encrypted=tuple(_encrypted(ec2)),
            unseen_snapshots=tuple(_unseen(ec2)),
            shared_with=None if permissions is None else tuple(sorted(v for p in permissions for v in p.values())),
            not_seen=ec2.unseen.get(LAUNCH_PERMISSION, "the launch permissions were not asked for"),
            audience=evidence.audience,
            receivers=evidence.receivers,
        )

    def require_public(self) -> None:
        """Raise NotApplicableError unless the image is meant for everybody."""
        if self.audience != "public":
            raise NotApplicableError(f"the image is meant for {self.audience or 'nobody in particular'}, not for all")

    def root_device_faults(self) -> list[Finding]:
        """Find a root device that is no EBS volume; raises InconclusiveError when EC2 does not say what it is."""
        if not self.root_device_type:
            raise InconclusiveError("EC2 does not say what the root device is")
        detail = f"its root device is {self.root_device_type}: nobody can look at such an image at rest"
        return [Finding(subject=self.id, detail=detail)] if self.root_device_type != "ebs" else []

    def encrypted_snapshots(self) -> list[Finding]:
        """Find encrypted snapshots; raises InconclusiveError when one could not be looked at and none was found.

        The mapping's own word is not enough, as it may be missing: each snapshot is asked."""
        found = [Finding(subject=snapshot, detail="this snapshot is encrypted") for snapshot in self.encrypted]
        if self.unseen_snapshots and not found:
            raise InconclusiveError(self.unseen_snapshots[0])
        return found

    def codes(self) -> list[Finding]:
        """Find the product codes, which come with a base image of the Marketplace."""
        return [Finding(subject=self.id, detail=f"it carries the product code {code}") for code in self.product_codes]

    def shared_outside_the_plan(self) -> list[Finding]:
        """Find the launch permissions that nobody planned; raises InconclusiveError when they were not seen."""
        if self.shared_with is None:
            raise InconclusiveError(self.not_seen)
        return [
            Finding(subject=self.id, detail=f"it is already shared with {'everybody' if who == 'all' else who}")
            for who in self.shared_with
            if who not in self.receivers
        ]

    def not_ours_to_share(self) -> list[Finding]:
        """Find what keeps the calling account from sharing the image at all."""
        found = []
        if self.state != "available":
            found.append(Finding(subject=self.id, detail=f"its state is {self.state or 'unknown'}, not available"))
        if self.owner != self.caller:
            owner = self.owner or "unknown"
            found.append(
                Finding(
                    subject=self.id,
                    detail=f"it belongs to account {owner}; only the owner can share it, and you are {self.caller}",
                )
            )
        return found


def descriptions(evidence: Evidence) -> Ec2Descriptions:
    """Return what EC2 said; raises InconclusiveError when it was not asked."""
    if evidence.ec2 is None:
        raise InconclusiveError("EC2 was not asked about the image")
    return evidence.ec2


def _mapped(ec2: Ec2Descriptions) -> list[dict[str, Any]]:
    return [dict(mapping["Ebs"]) for mapping in ec2.image.get("BlockDeviceMappings") or () if mapping.get("Ebs")]


def _encrypted(ec2: Ec2Descriptions) -> list[str]:
    """Return the snapshots of which the snapshot itself or the image's mapping says that it is encrypted."""
    said = [str(snapshot.get("SnapshotId", "")) for snapshot in ec2.snapshots if snapshot.get("Encrypted")]
    said += [str(volume.get("SnapshotId", "a mapping")) for volume in _mapped(ec2) if volume.get("Encrypted")]
    return list(dict.fromkeys(said))


def _unseen(ec2: Ec2Descriptions) -> list[str]:
    """Say which snapshots of the mapping nobody described."""
    seen = {str(snapshot.get("SnapshotId", "")) for snapshot in ec2.snapshots if "Encrypted" in snapshot}
    wanted = [str(volume.get("SnapshotId", "")) for volume in _mapped(ec2)]
    if not wanted and ec2.image.get("RootDeviceType") == "ebs":
        return ["EC2 names no snapshot of this image"]
    return [
        ec2.unseen.get(snapshot, f"{snapshot} was not described")
        for snapshot in wanted
        if snapshot and snapshot not in seen
    ]
