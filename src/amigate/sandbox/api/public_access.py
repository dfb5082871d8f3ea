"""Block public access, for images and for snapshots, and what else keeps them from being shared."""

from __future__ import annotations

from typing import TYPE_CHECKING

from moto.core.responses import ActionResult
from moto.ec2.exceptions import EC2ClientError

from amigate.sandbox.api import encryption, errors
from amigate.sandbox.api.base import CloudResponse
from amigate.sandbox.api.permissions import EVERYBODY

if TYPE_CHECKING:
    from amigate.sandbox.api.image import Image
    from amigate.sandbox.api.permissions import Change
    from amigate.sandbox.api.snapshot import Snapshot

_SNAPSHOT_STATES = ("block-all-sharing", "block-new-sharing")


class PublicAccess(CloudResponse):
    """Settings of an account in a region."""

    def get_image_block_public_access_state(self) -> ActionResult:
        """Return whether images may become public."""
        self.error_on_dryrun()
        state = self.choices.image_public_access
        return ActionResult({"ImageBlockPublicAccessState": state, "ManagedBy": "account"})

    def enable_image_block_public_access(self) -> ActionResult:
        """Let no image become public; those that are stay so."""
        state = self.required("ImageBlockPublicAccessState")
        if state != "block-new-sharing":
            raise errors.bad_value(f"Value ({state}) for parameter imageBlockPublicAccessState is invalid.")
        self.error_on_dryrun()
        return self._set_images(state)

    def disable_image_block_public_access(self) -> ActionResult:
        """Let images become public."""
        self.error_on_dryrun()
        return self._set_images("unblocked")

    def _set_images(self, state: str) -> ActionResult:
        self.choices.image_public_access = state
        return ActionResult({"ImageBlockPublicAccessState": state})

    def get_snapshot_block_public_access_state(self) -> ActionResult:
        """Return whether snapshots may become public."""
        self.error_on_dryrun()
        return ActionResult({"State": self.choices.snapshot_public_access, "ManagedBy": "account"})

    def enable_snapshot_block_public_access(self) -> ActionResult:
        """Let no snapshot become public, or take those that are for private too."""
        state = self.required("State")
        if state not in _SNAPSHOT_STATES:
            raise errors.bad_value(f"Value ({state}) for parameter state is invalid.")
        self.error_on_dryrun()
        return self._set_snapshots(state)

    def disable_snapshot_block_public_access(self) -> ActionResult:
        """Let snapshots become public."""
        self.error_on_dryrun()
        return self._set_snapshots("unblocked")

    def _set_snapshots(self, state: str) -> ActionResult:
        self.choices.snapshot_public_access = state
        return ActionResult({"State": state})

    def check_image_sharing(self, image: Image, change: Change) -> None:
        """Refuse to share what cannot be shared, or not with everybody."""
        if not change.added:
            return
        snapshots = [self.here.snapshots[snapshot_id] for snapshot_id in image.snapshot_ids]
        if any(encryption.is_managed(snapshot.kms_key_id) for snapshot in snapshots):
            message = "Snapshots encrypted with the AWS Managed CMK can't be shared. Specify another snapshot."
            raise EC2ClientError("InvalidParameter", message)
        if EVERYBODY in change.added:
            self._check_publishing(image)

    def _check_publishing(self, image: Image) -> None:
        if self.choices.image_public_access != "unblocked":
            raise errors.not_permitted(
                "You can't publicly share this image because block public access for AMIs is enabled for this account. "
                "To publicly share the image, you must call the DisableImageBlockPublicAccess API."
            )
        if image.is_encrypted:
            message = "Encrypted snapshots can't be shared publicly. Specify another snapshot."
            raise EC2ClientError("UnsupportedOperation", message)
        if image.product_codes:
            message = f"Image {image.id} has product codes and can't be shared publicly."
            raise EC2ClientError("UnsupportedOperation", message)

    def check_snapshot_sharing(self, snapshot: Snapshot, change: Change) -> None:
        """Refuse the same for a snapshot."""
        if not change.added:
            return
        if encryption.is_managed(snapshot.kms_key_id):
            raise errors.not_permitted("Encrypted snapshots with EBS default key cannot be shared")
        if EVERYBODY not in change.added:
            return
        if snapshot.encrypted:
            raise errors.not_permitted("Encrypted snapshots cannot be shared publicly")
        if self.choices.snapshot_public_access != "unblocked":
            raise errors.not_permitted(
                "You can't publicly share this snapshot because block public access for snapshots is enabled "
                "for this account."
            )
