"""DescribeImages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from moto.core.responses import ActionResult

from amigate.sandbox.api import errors
from amigate.sandbox.api.base import CloudResponse
from amigate.sandbox.api.filters import IMAGE_FILTERS, matching
from amigate.sandbox.api.paging import page

if TYPE_CHECKING:
    from amigate.sandbox.api.image import Image


class ImageDescriptions(CloudResponse):
    """Describe images."""

    def describe_images(self) -> ActionResult:
        """Images that the caller may see; a named one that it may not see does not exist."""
        self.error_on_dryrun()
        named = self._get_param("ImageIds", [])
        most = self._get_param("MaxResults")
        if named and most is not None:
            raise errors.bad_combination("The parameter imageIds cannot be used with the parameter maxResults")
        for image_id in named:
            self.visible_image(image_id)
        found = [image for image in self.here.images.values() if self._is_asked_for(image, named)]
        described = matching(
            (image.described(self.current_account, self.tags_of(image.id)) for image in found),
            self._get_param("Filters", []),
            IMAGE_FILTERS,
        )
        shown, token = page(described, key="ImageId", max_results=most, token=self._get_param("NextToken"))
        return ActionResult({"Images": shown, "NextToken": token} if token else {"Images": shown})

    def _is_asked_for(self, image: Image, named: list[str]) -> bool:
        if not image.visible_to(self.current_account) or (named and image.id not in named):
            return False
        owners, users = self._get_param("Owners", []), self._get_param("ExecutableUsers", [])
        by_owner = any(self._is_owner(image, owner) for owner in owners)
        by_user = any(self._is_executable_by(image, user) for user in users)
        shown = bool(named) or self._is_listed(image)
        return shown and (not owners or by_owner) and (not users or by_user)

    def _is_listed(self, image: Image) -> bool:
        """Whether an image is shown to somebody who does not name it."""
        if image.state == "disabled" and not self.is_true("IncludeDisabled"):
            return False
        is_own = image.owner_id == self.current_account
        return is_own or not image.is_deprecated or self.is_true("IncludeDeprecated")

    def _is_owner(self, image: Image, owner: str) -> bool:
        return owner in {image.owner_id, image.owner_alias} or (
            owner == "self" and image.owner_id == self.current_account
        )

    def _is_executable_by(self, image: Image, user: str) -> bool:
        """Whether a launch permission names a user; what one owns does not count."""
        if user == "all":
            return image.is_public
        named = self.current_account if user == "self" else user
        return {"UserId": named} in image.launch_permissions
