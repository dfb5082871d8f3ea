"""Actions on the snapshots that images are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from moto.core.responses import ActionResult

from amigate.sandbox.api import errors
from amigate.sandbox.api.base import CloudResponse

if TYPE_CHECKING:
    from moto.ec2.models.elastic_block_store import Snapshot


class Snapshots(CloudResponse):
    """Describe and delete snapshots; there are none but those of images."""

    def describe_snapshots(self) -> ActionResult:
        """Snapshots of the caller's account."""
        named = self._get_param("SnapshotIds", [])
        for snapshot_id in named:
            self._owned(snapshot_id)
        owners = {self._account(owner) for owner in self._get_param("OwnerIds", [])} or {self.current_account}
        found = self.content(super().describe_snapshots())["Snapshots"]
        mine = [one for one in found if one.owner_id == self.current_account and one.owner_id in owners]
        return ActionResult({"Snapshots": mine})

    def delete_snapshot(self) -> ActionResult:
        """Delete a snapshot that no image is made of, and its disk file."""
        snapshot = self._owned(self._get_param("SnapshotId", ""))
        for image in self.backend.amis.values():
            if image.ebs_snapshot.id == snapshot.id:
                raise errors.snapshot_in_use(snapshot.id, image.id)
        self.error_on_dryrun()
        del self.backend.snapshots[snapshot.id]
        self.cloud.store.forget(snapshot.id)
        return ActionResult({"Return": True})

    def create_snapshot(self) -> ActionResult:
        """Refused: moto would invent a disk."""
        raise errors.unsupported("CreateSnapshot is not there yet; CreateImage makes a snapshot")

    def copy_snapshot(self) -> ActionResult:
        """Refused: moto would invent a disk."""
        raise errors.unsupported("CopySnapshot is not there yet")

    def _account(self, owner: str) -> str:
        return self.current_account if owner == "self" else owner

    def _owned(self, snapshot_id: str) -> Snapshot:
        snapshot = self.backend.snapshots.get(snapshot_id)
        if snapshot is None or snapshot.owner_id != self.current_account:
            raise errors.snapshot_not_found(snapshot_id)
        return snapshot
