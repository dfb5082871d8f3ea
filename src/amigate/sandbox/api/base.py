"""What the actions of the sandbox stand on: moto's EC2, bound to one cloud."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moto.ec2.responses import EC2Response

from amigate.sandbox.api import model

if TYPE_CHECKING:
    from moto.core.responses import ActionResult
    from moto.ec2.models import EC2Backend

    from amigate.sandbox.cloud import Cloud


class CloudResponse(EC2Response):
    """Answers one request; account and region come from the signature, never from other headers."""

    def __init__(self, cloud: Cloud) -> None:
        super().__init__()
        self.cloud = cloud

    def get_current_account(self) -> str:
        """Return the account of the access key."""
        return str(self.normalized_request.environ["amigate.account"])

    def get_region_from_url(self, request: Any, full_url: str) -> str:  # noqa: ARG002 - moto's signature
        """Return the region of the credential scope."""
        return str(request.headers["Authorization"].split("/")[2])

    @property
    def backend(self) -> EC2Backend:
        """Return moto's model of this account and region."""
        found: EC2Backend = self.ec2_backend
        return found

    def visible_image(self, image_id: str) -> model.Image:
        """Return an image that the caller may launch."""
        return model.visible(self.backend, image_id, self.current_account)

    def owned_image(self, image_id: str) -> model.Image:
        """Return an image that the caller may change."""
        return model.owned(self.backend, image_id, self.current_account)

    def is_true(self, name: str) -> bool:
        """Return a boolean parameter."""
        return str(self._get_param(name, "")).lower() == "true"

    @staticmethod
    def content(result: ActionResult) -> Any:
        """Return what moto was about to answer."""
        return result.result
