"""A snapshot as EC2 describes it; its disk is in the store under its id."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from moto.core.utils import utcnow
from moto.ec2.models.core import TaggedEC2Resource
from moto.ec2.utils import random_snapshot_id, random_volume_id

if TYPE_CHECKING:
    from datetime import datetime

    from moto.ec2.models import EC2Backend


@dataclass(kw_only=True, eq=False)
class Snapshot(TaggedEC2Resource):
    """A disk that stays as it was."""

    ec2_backend: EC2Backend
    """The model of its owner, which keeps its tags."""
    volume_size: int
    """GiB."""
    description: str = ""
    volume_id: str = field(default_factory=random_volume_id)
    """The volume that it was taken of, which need not exist any more."""
    encrypted: bool = False
    kms_key_id: str | None = None
    id: str = field(default_factory=random_snapshot_id)
    status: str = "completed"
    state_message: str | None = None
    start_time: datetime = field(default_factory=utcnow)
    permissions: list[dict[str, str]] = field(default_factory=list)
    """Who may create volumes of it, as EC2 writes it: {"UserId": …} or {"Group": "all"}."""
    product_codes: list[dict[str, str]] = field(default_factory=list)

    @property
    def owner_id(self) -> str:
        """The account that it belongs to."""
        return str(self.ec2_backend.account_id)

    @property
    def is_public(self) -> bool:
        """Whether everybody may create volumes of it."""
        return {"Group": "all"} in self.permissions

    def restorable_by(self, account_id: str) -> bool:
        """Whether an account may see it, copy it and create volumes of it."""
        return self.owner_id == account_id or self.is_public or {"UserId": account_id} in self.permissions

    def described(self, tags: list[dict[str, str]]) -> dict[str, Any]:
        """Return it as DescribeSnapshots does, with the tags that the caller gave it."""
        found = {
            "CompletionTime": self.start_time if self.status == "completed" else None,
            "Description": self.description,
            "Encrypted": self.encrypted,
            "KmsKeyId": self.kms_key_id,
            "OwnerId": self.owner_id,
            "Progress": "100%" if self.status == "completed" else "0%",
            "SnapshotId": self.id,
            "StartTime": self.start_time,
            "State": self.status,
            "StateMessage": self.state_message,
            "StorageTier": "standard",
            "Tags": tags or None,
            "VolumeId": self.volume_id,
            "VolumeSize": self.volume_size,
        }
        return {name: value for name, value in found.items() if value is not None}
