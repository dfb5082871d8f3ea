"""Names of images: what they may be, and that an account has each once."""

from __future__ import annotations

import re

from amigate.sandbox.api import errors
from amigate.sandbox.api.base import CloudResponse

_NAME = re.compile(r"[A-Za-z0-9()\[\] ./\-'@_]{3,128}")


class Naming(CloudResponse):
    """What actions that make images share."""

    def new_name(self) -> str:
        """Return the name that the request gives to a new image."""
        name = self.required("Name")
        if not _NAME.fullmatch(name):
            raise errors.image_name_malformed()
        for image in self.here.images.values():
            if image.name == name and image.owner_id == self.current_account:
                raise errors.image_name_taken(name, image.id)
        return name
