"""Which snapshots the EBS direct APIs may read for whom."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from moto.ec2.exceptions import EC2ClientError

from amigate.sandbox.api import kms_keys
from amigate.sandbox.api.documents import Refusal
from amigate.sandbox.api.kms_policy import Answer

if TYPE_CHECKING:
    from pathlib import Path

    from amigate.sandbox.api.snapshot import Snapshot
    from amigate.sandbox.cloud import Cloud

_ID = re.compile(r"snap-[0-9a-f]{1,59}")
_KMS_ACTION = "kms:Decrypt"


class EbsError(Exception):
    """An answer that says no."""

    def __init__(self, status: int, code: str, reason: str, message: str) -> None:
        super().__init__(message)
        self.refusal = Refusal(status=status, code=code, reason=reason, message=message)


def invalid(reason: str, message: str) -> EbsError:
    """Refuse what the request says."""
    return EbsError(400, "ValidationException", reason, message)


@dataclass(frozen=True, kw_only=True)
class Readable:
    """A snapshot that the caller may read."""

    id: str
    disk: Path
    size_gib: int
    lineage: frozenset[str]
    """Ids of it, of the volume it was made of, and of what that was made of in turn."""


def readable(cloud: Cloud, region: str, account_id: str, snapshot_id: str) -> Readable:
    """Return a snapshot; EbsError as https://docs.aws.amazon.com/ebs/latest/userguide/ebsapi-faq.html has it.

    It must be complete, the caller's own or shared with the account by name, and its key usable by the caller."""
    if not _ID.fullmatch(snapshot_id):
        raise invalid("INVALID_SNAPSHOT_ID", "The snapshot ID is not valid.")
    with cloud.lock:
        snapshot = _find(cloud, region, account_id, snapshot_id)
        if snapshot.status != "completed":
            message = f"The snapshot '{snapshot_id}' is not in the completed state."
            raise invalid("INVALID_SNAPSHOT_ID", message)
        if snapshot.encrypted:
            _require_key(snapshot.kms_key_id or kms_keys.MANAGED_ALIAS, snapshot.owner_id, region, account_id)
        return Readable(
            id=snapshot_id,
            disk=cloud.store.disk(snapshot_id),
            size_gib=int(snapshot.volume_size),
            lineage=frozenset(_lineage(cloud, region, snapshot)),
        )


def _find(cloud: Cloud, region: str, account_id: str, snapshot_id: str) -> Snapshot:
    try:
        snapshot = cloud.catalogue.region(region).snapshots.get(snapshot_id)
    except EC2ClientError:  # there is no such region
        snapshot = None
    if snapshot is not None:
        if snapshot.owner_id == account_id or {"UserId": account_id} in snapshot.permissions:
            return snapshot
        if snapshot.is_public:
            message = "Public snapshots cannot be read with the EBS direct APIs."
            raise EbsError(403, "AccessDeniedException", "UNAUTHORIZED_ACCOUNT", message)
    message = f"The snapshot '{snapshot_id}' does not exist."
    raise EbsError(404, "ResourceNotFoundException", "SNAPSHOT_NOT_FOUND", message)


def _require_key(key_id: str, owner_id: str, region: str, account_id: str) -> None:
    """Refuse a caller that may not decrypt with the snapshot's key."""
    key = kms_keys.find(key_id, account=owner_id, region=region)
    if key is None:
        message = "The KMS key of the snapshot does not exist."
        raise EbsError(404, "ResourceNotFoundException", "DEPENDENCY_RESOURCE_NOT_FOUND", message)
    match kms_keys.allows(key, account_id, _KMS_ACTION, via=kms_keys.via_ec2(region)):
        case Answer.NO:
            message = "The caller may not decrypt with the KMS key of the snapshot."
            raise EbsError(403, "AccessDeniedException", "DEPENDENCY_ACCESS_DENIED", message)
        case Answer.UNKNOWN:
            message = "SANDBOX: the KMS key's policy asks for what is not known here, such as an organization."
            raise EbsError(403, "AccessDeniedException", "DEPENDENCY_ACCESS_DENIED", message)
    if key.key_state != "Enabled":
        raise invalid("INVALID_CUSTOMER_KEY", f"The KMS key of the snapshot is in the state {key.key_state}.")


def _lineage(cloud: Cloud, region: str, snapshot: Snapshot) -> set[str]:
    """Return the ids that a snapshot descends from, as far back as its volumes still exist."""
    found: set[str] = set()
    now: Snapshot | None = snapshot
    while now is not None and now.id not in found:
        found |= {now.id, now.volume_id}
        volume = now.ec2_backend.volumes.get(now.volume_id)
        now = cloud.catalogue.region(region).snapshots.get(volume.snapshot_id or "") if volume else None
    return found
