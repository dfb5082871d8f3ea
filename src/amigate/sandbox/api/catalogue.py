"""Images and snapshots of every region, whoever owns them, and what each account has chosen there.

moto keeps them for each account; here an account sees what others share."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from moto.ec2.models import ec2_backends

from amigate.sandbox.api import errors

if TYPE_CHECKING:
    from moto.ec2.models import EC2Backend

    from amigate.sandbox.api.image import Image
    from amigate.sandbox.api.snapshot import Snapshot


@dataclass(kw_only=True)
class Choices:
    """Settings of one account in one region; block public access as AWS gives it to a new account."""

    image_public_access: str = "block-new-sharing"
    snapshot_public_access: str = "unblocked"


@dataclass(kw_only=True, eq=False)
class Region:
    """What is in one region."""

    name: str
    images: dict[str, Image] = field(default_factory=dict)
    snapshots: dict[str, Snapshot] = field(default_factory=dict)
    choices: defaultdict[str, Choices] = field(default_factory=lambda: defaultdict(Choices))
    """For each account."""

    def visible_image(self, image_id: str, account_id: str) -> Image:
        """Return an image that an account may see."""
        errors.check_id(image_id, "ami", errors.image_malformed)
        image = self.images.get(image_id)
        if image is None or not image.visible_to(account_id):
            raise errors.image_not_found(image_id)
        return image

    def owned_image(self, image_id: str, account_id: str) -> Image:
        """Return an image of an account's own."""
        image = self.visible_image(image_id, account_id)
        if image.owner_id != account_id:
            raise errors.not_owner(image_id)
        return image

    def visible_snapshot(self, snapshot_id: str, account_id: str) -> Snapshot:
        """Return a snapshot that an account may use."""
        errors.check_id(snapshot_id, "snap", errors.snapshot_malformed)
        snapshot = self.snapshots.get(snapshot_id)
        if snapshot is None or not self.may_restore(snapshot, account_id):
            raise errors.snapshot_not_found(snapshot_id)
        return snapshot

    def owned_snapshot(self, snapshot_id: str, account_id: str) -> Snapshot:
        """Return a snapshot of an account's own."""
        snapshot = self.visible_snapshot(snapshot_id, account_id)
        if snapshot.owner_id != account_id:
            raise errors.not_snapshot_owner(snapshot_id)
        return snapshot

    def may_restore(self, snapshot: Snapshot, account_id: str) -> bool:
        """Whether an account may use a snapshot; the owner may have blocked what is public."""
        blocked = self.choices[snapshot.owner_id].snapshot_public_access == "block-all-sharing"
        if blocked and account_id != snapshot.owner_id:
            return {"UserId": account_id} in snapshot.permissions
        return snapshot.restorable_by(account_id)

    def images_of(self, snapshot_id: str) -> list[Image]:
        """Return the images that are made of a snapshot."""
        return [image for image in self.images.values() if snapshot_id in image.snapshot_ids]


class Catalogue:
    """All regions."""

    def __init__(self) -> None:
        self._regions: dict[str, Region] = {}

    def region(self, name: str) -> Region:
        """Return a region; EC2's error when there is none of that name."""
        if name not in self._regions:
            errors.check_region(name)
            self._regions[name] = Region(name=name)
        return self._regions[name]

    def backend(self, account_id: str, region_name: str) -> EC2Backend:
        """Return moto's model of an account in a region, with the region's images and snapshots in it."""
        region = self.region(region_name)
        found: EC2Backend = ec2_backends[account_id][region_name]
        model: Any = found
        model.amis, model.snapshots = region.images, region.snapshots
        return found
