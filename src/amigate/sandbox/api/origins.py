"""Where images come from, what they are marked with, and what was found in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moto.core.responses import ActionResult
from moto.core.utils import utcnow

from amigate.sandbox.api import errors
from amigate.sandbox.api.base import CloudResponse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from amigate.sandbox.api.image import Image


class Origins(CloudResponse):
    """Ancestry, watermarks, findings, and the Recycle Bin, which is empty."""

    def get_image_ancestry(self) -> ActionResult:
        """Return the chain from an image back to the first one that is still there."""
        image = self.visible_image(self.required("ImageId"))
        self.error_on_dryrun()
        return ActionResult({"ImageAncestryEntries": [_entry(each) for each in self._chain(image)]})

    def _chain(self, image: Image) -> Iterator[Image]:
        seen: set[str] = set()
        following: Image | None = image
        while following is not None and following.id not in seen:
            seen.add(following.id)
            yield following
            region = self.cloud.catalogue.region(following.source_image_region or self.region)
            following = region.images.get(following.source_image_id or "")

    def list_images_in_recycle_bin(self) -> ActionResult:
        """Return nothing: what is deregistered is gone."""
        self.error_on_dryrun()
        return ActionResult({"Images": []})

    def get_image_findings(self) -> ActionResult:
        """Return what was put in with the image."""
        image = self.visible_image(self.required("ImageId"))
        self.error_on_dryrun()
        return ActionResult({"ImageFindings": list(image.findings)})

    def attach_image_watermark(self) -> ActionResult:
        """Mark an image; a public one is refused."""
        image, name = self.owned_image(), self.required("WatermarkName")
        if image.is_public:
            raise errors.not_permitted(f"Watermarks cannot be attached to the public image {image.id}.")
        self.error_on_dryrun()
        mark = {"SourceImageId": image.id, "SourceImageRegion": self.region, "WatermarkCreationTime": utcnow()}
        key = f"{self.current_account}:{name}"
        image.watermarks = (*image.watermarks, {"WatermarkKey": key, **mark})
        return ActionResult({"WatermarkKey": key})

    def detach_image_watermark(self) -> ActionResult:
        """Take a mark off."""
        image, key = self.owned_image(), self.required("WatermarkKey")
        self.error_on_dryrun()
        image.watermarks = tuple(mark for mark in image.watermarks if mark["WatermarkKey"] != key)
        return self.done()


def _entry(image: Image) -> dict[str, Any]:
    entry = {
        "ImageId": image.id,
        "CreationDate": image.creation_date,
        "ImageOwnerAlias": image.owner_alias,
        "SourceImageId": image.source_image_id,
        "SourceImageRegion": image.source_image_region,
    }
    return {name: value for name, value in entry.items() if value is not None}
