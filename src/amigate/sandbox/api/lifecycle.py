"""The end of images: deprecated, disabled, deregistered, or kept from it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from moto.core.responses import ActionResult
from moto.core.utils import utcnow

from amigate.sandbox.api import errors
from amigate.sandbox.api.copying import Copying
from amigate.sandbox.api.image_attributes import PUBLIC_FOR

if TYPE_CHECKING:
    from datetime import datetime

    from amigate.sandbox.api.image import Image

_PRIVATE_FOR = timedelta(days=3653)
_COOLDOWN = timedelta(hours=24)


class Lifecycle(Copying):
    """Take images out of use."""

    def deregister_image(self) -> ActionResult:
        """Forget an image; the caller's snapshots of it that no other image needs go on request."""
        image = self.owned_image()
        if image.is_protected or (image.protected_until is not None and image.protected_until > utcnow()):
            raise errors.not_permitted(
                f"Image {image.id} can't be deregistered because deregistration protection is enabled for it."
            )
        self.error_on_dryrun()
        del self.here.images[image.id]
        image.ec2_backend.tags.pop(image.id, None)
        if not self.is_true("DeleteAssociatedSnapshots"):
            return self.done()
        results = [self._delete(snapshot_id) for snapshot_id in dict.fromkeys(image.snapshot_ids)]
        return ActionResult({"Return": True, "DeleteSnapshotResults": results})

    def _delete(self, snapshot_id: str) -> dict[str, str]:
        if self.here.images_of(snapshot_id):
            return {"SnapshotId": snapshot_id, "ReturnCode": "skipped"}
        if self.here.snapshots[snapshot_id].owner_id != self.current_account:
            return {"SnapshotId": snapshot_id, "ReturnCode": "client-error"}
        self.drop(snapshot_id)
        return {"SnapshotId": snapshot_id, "ReturnCode": "success"}

    def disable_image(self) -> ActionResult:
        """Let nobody launch or share an image; all its launch permissions are gone for good."""
        image = self._in_state("available", "disabled")
        self.error_on_dryrun()
        image.state = "disabled"
        image.launch_permissions.clear()
        return self.done()

    def enable_image(self) -> ActionResult:
        """Let the owner launch a disabled image again."""
        image = self._in_state("available", "disabled")
        self.error_on_dryrun()
        image.state = "available"
        return self.done()

    def _in_state(self, *states: str) -> Image:
        image = self.owned_image()
        if image.state not in states:
            raise errors.image_unavailable(image.id)
        return image

    def enable_image_deprecation(self) -> ActionResult:
        """Say when others stop seeing an image; within ten years from now, for a public one two from its creation."""
        image = self.owned_image()
        at = self._deprecation(self._get_param("DeprecateAt"))
        latest = image.creation_date + PUBLIC_FOR if image.is_public else utcnow() + _PRIVATE_FOR
        if not utcnow() - timedelta(minutes=1) < at <= latest:
            message = f"The deprecation date {at:%Y-%m-%dT%H:%M:%SZ} must be in the future, and before"
            raise errors.bad_value(f"{message} {latest:%Y-%m-%dT%H:%M:%SZ}")
        self.error_on_dryrun()
        image.deprecation_time = at
        return self.done()

    @staticmethod
    def _deprecation(given: Any) -> datetime:
        """Return the time that a request gives, to the minute, as moto keeps times: in UTC without saying so."""
        if given is None:
            raise errors.missing("deprecateAt")
        time: datetime = given if given.tzinfo is None else (given - given.utcoffset()).replace(tzinfo=None)
        return (time + timedelta(seconds=30)).replace(second=0, microsecond=0)

    def disable_image_deprecation(self) -> ActionResult:
        """Take that back; a public image keeps AWS's own date."""
        image = self.owned_image()
        self.error_on_dryrun()
        image.deprecation_time = image.creation_date + PUBLIC_FOR if image.is_public else None
        return self.done()

    def enable_image_deregistration_protection(self) -> ActionResult:
        """Keep an image from being deregistered, with WithCooldown for a day after this is taken back, too."""
        image = self.owned_image()
        self.error_on_dryrun()
        image.is_protected, image.has_cooldown, image.protected_until = True, self.is_true("WithCooldown"), None
        return ActionResult({"Return": "true"})

    def disable_image_deregistration_protection(self) -> ActionResult:
        """Take that back."""
        image = self.owned_image()
        self.error_on_dryrun()
        if image.is_protected and image.has_cooldown:
            image.protected_until = utcnow() + _COOLDOWN
        image.is_protected = False
        return ActionResult({"Return": "true"})

    def get_allowed_images_settings(self) -> ActionResult:
        """Every image is allowed."""
        self.error_on_dryrun()
        return ActionResult({"State": "disabled", "ImageCriteria": [], "ManagedBy": "account"})

    def disable_allowed_images_settings(self) -> ActionResult:
        """Do nothing: it is so already."""
        self.error_on_dryrun()
        return ActionResult({"AllowedImagesSettingsState": "disabled"})

    def enable_allowed_images_settings(self) -> ActionResult:
        """Refused: criteria would be kept and not followed."""
        raise errors.unsupported("every image is allowed; criteria for images are not followed")

    def replace_image_criteria_in_allowed_images_settings(self) -> ActionResult:
        """Refused for the same reason."""
        return self.enable_allowed_images_settings()
