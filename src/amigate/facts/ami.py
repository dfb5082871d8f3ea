"""What EC2 says of the image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from amigate.check import InconclusiveError
from amigate.result import Finding

if TYPE_CHECKING:
    from amigate.evidence.model import Evidence


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

    @classmethod
    def read(cls, evidence: Evidence) -> Ami:
        """Read the description; raises InconclusiveError when EC2 was not asked."""
        if evidence.ec2 is None:
            raise InconclusiveError("EC2 was not asked about the image")
        image = evidence.ec2.image
        return cls(
            id=str(image.get("ImageId", "")),
            state=str(image.get("State", "")),
            owner=str(image.get("OwnerId", "")),
            caller=evidence.ec2.caller,
            root_device_type=str(image.get("RootDeviceType", "")),
        )

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
