"""Copies of snapshots, for CopySnapshot and CopyImage."""

from __future__ import annotations

from dataclasses import dataclass

from amigate.sandbox.api import encryption, errors
from amigate.sandbox.api.base import CloudResponse
from amigate.sandbox.api.snapshot import Snapshot
from amigate.sandbox.machines.disks import Layers

_INACCESSIBLE = "Given key ID is not accessible"


@dataclass(frozen=True, kw_only=True)
class EncryptionWish:
    """What a request says about the encryption of a copy."""

    is_wanted: bool
    key_id: str | None


class Copying(CloudResponse):
    """Copy snapshots with their disks."""

    def encryption_wish(self) -> EncryptionWish:
        """Return what the request says, and the account's default."""
        wanted = self.is_true("Encrypted") or bool(self.backend.ebs_encryption_by_default)
        return EncryptionWish(is_wanted=wanted, key_id=self._get_param("KmsKeyId"))

    def copied(self, source: Snapshot, wish: EncryptionWish, *, description: str) -> Snapshot:
        """Copy a snapshot into this account and region; with a key that is not there it ends as an error, as on EC2."""
        encrypted = wish.is_wanted or source.encrypted
        if wish.key_id and not encrypted:
            raise errors.needs("KmsKeyId", "Encrypted")
        key = self._key(wish) if encrypted else None
        snapshot = Snapshot(
            ec2_backend=self.backend,
            volume_size=source.volume_size,
            description=description,
            volume_id="vol-ffffffff",  # what EC2 shows for a copy
            encrypted=encrypted,
            kms_key_id=key,
        )
        if encrypted and key is None:
            snapshot.status, snapshot.state_message = "error", _INACCESSIBLE
        else:
            self.cloud.store.copy(snapshot.id, Layers(file=self.cloud.store.disk(source.id)))
        self.here.snapshots[snapshot.id] = snapshot
        return snapshot

    def _key(self, wish: EncryptionWish) -> str | None:
        if wish.key_id:
            return encryption.find_key(self.backend, wish.key_id)
        return encryption.default_key(self.backend)

    def drop(self, snapshot_id: str) -> None:
        """Forget a snapshot, its tags and its disk."""
        snapshot = self.here.snapshots.pop(snapshot_id)
        snapshot.ec2_backend.tags.pop(snapshot_id, None)
        self.cloud.store.forget(snapshot_id)
