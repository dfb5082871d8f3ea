"""Actions on snapshots: a disk file behind each."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from moto.core.responses import ActionResult

from amigate.errors import SandboxError
from amigate.sandbox.api import errors
from amigate.sandbox.api.copying import Copying
from amigate.sandbox.api.filters import SNAPSHOT_FILTERS, matching
from amigate.sandbox.api.paging import page
from amigate.sandbox.api.snapshot import Snapshot
from amigate.sandbox.api.volumes import Volumes
from amigate.sandbox.machines.disks import Layers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from moto.ec2.models.elastic_block_store import Volume

_SMALLEST_PAGE = 5


class Snapshots(Volumes, Copying):
    """Make, copy, describe and delete snapshots."""

    def describe_snapshots(self) -> ActionResult:
        """Snapshots of the caller, and those that others let it use."""
        self.error_on_dryrun()
        named = self._get_param("SnapshotIds", [])
        most = self._get_param("MaxResults")
        if named and most is not None:
            raise errors.bad_combination("The parameter snapshotSet cannot be used with the parameter maxResults")
        for snapshot_id in named:
            self.here.visible_snapshot(snapshot_id, self.current_account)
        found = [one for one in self.here.snapshots.values() if self._is_wanted(one, named)]
        described = matching(
            (one.described(self.tags_of(one.id)) for one in found), self._get_param("Filters", []), SNAPSHOT_FILTERS
        )
        shown, token = page(
            described, key="SnapshotId", max_results=most, token=self._get_param("NextToken"), least=_SMALLEST_PAGE
        )
        return ActionResult({"Snapshots": shown, "NextToken": token} if token else {"Snapshots": shown})

    def _is_wanted(self, snapshot: Snapshot, named: list[str]) -> bool:
        if not self.here.may_restore(snapshot, self.current_account) or (named and snapshot.id not in named):
            return False
        owners = {self._account(owner) for owner in self._get_param("OwnerIds", [])}
        users = self._get_param("RestorableByUserIds", [])
        by_user = any(self._is_restorable_by(snapshot, user) for user in users)
        return (not owners or snapshot.owner_id in owners) and (not users or by_user)

    def _is_restorable_by(self, snapshot: Snapshot, user: str) -> bool:
        """Whether a permission names a user; `self` counts what the caller owns too."""
        if user == "all":
            return snapshot.is_public
        if user == "self":
            return snapshot.owner_id == self.current_account or {"UserId": self.current_account} in snapshot.permissions
        return {"UserId": user} in snapshot.permissions

    def _account(self, owner: str) -> str:
        return self.current_account if owner == "self" else owner

    def create_snapshot(self) -> ActionResult:
        """Copy the disk of a volume; a running guest is held still for a moment."""
        volume = self.owned_volume()
        tags = self.new_tags("snapshot")["snapshot"]
        self.error_on_dryrun()
        with self._disks([volume]) as found:
            snapshot = self._taken(volume, found[volume.id], tags)
        return ActionResult(snapshot.described(self.tags_of(snapshot.id)) | {"State": "pending", "Progress": ""})

    def create_snapshots(self) -> ActionResult:
        """Copy the disks of an instance's volumes, as they are at one moment."""
        asked = self._get_param("InstanceSpecification", {})
        instance = self.instance(asked.get("InstanceId", ""))
        left_out = set(asked.get("ExcludeDataVolumeIds", []))
        if asked.get("ExcludeBootVolume"):
            left_out.add(instance.block_device_mapping[instance.root_device_name].volume_id)
        ids = [one.volume_id for one in instance.block_device_mapping.values() if one.volume_id not in left_out]
        volumes = [self.backend.volumes[volume_id] for volume_id in ids]
        tags = self.new_tags("snapshot")["snapshot"]
        self.error_on_dryrun()
        with self._disks(volumes) as found:
            made = [self._taken(volume, found[volume.id], tags) for volume in volumes]
        return ActionResult({"Snapshots": [one.described(self.tags_of(one.id)) for one in made]})

    @contextlib.contextmanager
    def _disks(self, volumes: list[Volume]) -> Iterator[dict[str, Layers]]:
        """Provide files of volumes that nobody writes to; all are of one instance, or of none."""
        ids = [volume.id for volume in volumes]
        attachment = volumes[0].attachment if volumes else None
        try:
            if attachment is None:
                yield {volume_id: Layers(file=self.cloud.store.disk(volume_id)) for volume_id in ids}
                return
            with self.cloud.still_disks(attachment.instance.id, ids) as found:
                yield found
        except (KeyError, OSError, SandboxError) as error:
            message = f"SANDBOX: the disk of {', '.join(ids)} cannot be copied now: {error}"
            raise errors.wrong_volume_state(message) from error

    def _taken(self, volume: Volume, disk: Layers, tags: dict[str, str]) -> Snapshot:
        snapshot = Snapshot(
            ec2_backend=self.backend,
            volume_size=volume.size,
            description=self._get_param("Description", ""),
            volume_id=volume.id,
            encrypted=volume.encrypted,
            kms_key_id=volume.kms_key_id,
        )
        self.cloud.store.copy(snapshot.id, disk)
        self.here.snapshots[snapshot.id] = snapshot
        snapshot.add_tags(tags)
        return snapshot

    def copy_snapshot(self) -> ActionResult:
        """Copy a snapshot and its disk, from any region; a copy can be encrypted, and never becomes plain."""
        origin = self.cloud.catalogue.region(self.required("SourceRegion"))
        source = origin.visible_snapshot(self.required("SourceSnapshotId"), self.current_account)
        if source.status != "completed":
            raise errors.wrong_snapshot_state(source.id)
        wish = self.encryption_wish()
        tags = self.new_tags("snapshot")["snapshot"]
        self.error_on_dryrun()
        text = self._get_param("Description", f"[Copied {source.id} from {origin.name}]")
        snapshot = self.copied(source, wish, description=text)
        snapshot.add_tags(tags)
        return ActionResult({"SnapshotId": snapshot.id, "Tags": self.tags_of(snapshot.id) or None})

    def delete_snapshot(self) -> ActionResult:
        """Delete a snapshot that no image is made of, and its disk file."""
        snapshot = self.owned_snapshot()
        for image in self.here.images_of(snapshot.id):
            raise errors.snapshot_in_use(snapshot.id, image.id)
        self.error_on_dryrun()
        self.drop(snapshot.id)
        return ActionResult({"Return": True})

    def modify_snapshot_tier(self) -> Any:
        """Refused: there is one tier."""
        self.owned_snapshot()
        raise errors.unsupported("snapshots have the standard tier")

    def restore_snapshot_tier(self) -> Any:
        """Refused for the same reason."""
        return self.modify_snapshot_tier()

    def describe_snapshot_tier_status(self) -> ActionResult:
        """No snapshot was ever moved."""
        self.error_on_dryrun()
        return ActionResult({"SnapshotTierStatuses": []})
