"""What the actions of the sandbox stand on: moto's EC2, bound to one cloud."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from moto.core.responses import ActionResult
from moto.ec2.responses import EC2Response

from amigate.sandbox.api import errors

if TYPE_CHECKING:
    from moto.ec2.models import EC2Backend
    from moto.ec2.models.instances import Instance

    from amigate.sandbox.api.catalogue import Choices, Region
    from amigate.sandbox.api.image import Image
    from amigate.sandbox.api.snapshot import Snapshot
    from amigate.sandbox.cloud import Cloud


class CloudResponse(EC2Response):
    """Answers one request; account and region come from the signature, never from other headers."""

    def __init__(self, cloud: Cloud) -> None:
        super().__init__()
        self.cloud = cloud
        self._as_asked: str | None = None

    def get_current_account(self) -> str:
        """Return the account of the access key."""
        return str(self.normalized_request.environ["amigate.account"])

    def get_region_from_url(self, request: Any, full_url: str) -> str:  # noqa: ARG002 - moto's signature
        """Return the region of the credential scope."""
        return str(request.headers["Authorization"].split("/")[2])

    @property
    def backend(self) -> EC2Backend:
        """Return moto's model of this account and region."""
        return self.cloud.catalogue.backend(self.current_account, self.region)

    @property
    def ec2_backend(self) -> EC2Backend:
        """Return the same to moto's own parts."""
        return self.backend

    @property
    def here(self) -> Region:
        """Return images and snapshots of this region, of all accounts."""
        return self.cloud.catalogue.region(self.region)

    @property
    def choices(self) -> Choices:
        """Return the settings of this account in this region."""
        return self.here.choices[self.current_account]

    def visible_image(self, image_id: str) -> Image:
        """Return an image that the caller may see."""
        return self.here.visible_image(image_id, self.current_account)

    def owned_image(self) -> Image:
        """Return the image that the request is about, if the caller may change it."""
        return self.here.owned_image(self.required("ImageId"), self.current_account)

    def owned_snapshot(self) -> Snapshot:
        """Return the snapshot that the request is about, if the caller may change it."""
        return self.here.owned_snapshot(self.required("SnapshotId"), self.current_account)

    def is_true(self, name: str) -> bool:
        """Return a boolean parameter."""
        return str(self._get_param(name, "")).lower() == "true"

    def required(self, name: str) -> str:
        """Return a parameter that the request must have."""
        value = self._get_param(name)
        if value is None:
            raise errors.missing(name[0].lower() + name[1:])
        return str(value)

    def instance(self, instance_id: str) -> Instance:
        """Return an instance of the caller's."""
        errors.check_id(instance_id, "i", errors.instance_malformed)
        return self.backend.get_instance(instance_id)

    def tags_of(self, resource_id: str) -> list[dict[str, str]]:
        """Return the tags that the caller's account gave to something; others see their own only."""
        return [{"Key": key, "Value": value} for key, value in self.backend.tags.get(resource_id, {}).items()]

    def new_tags(self, *kinds: str) -> dict[str, dict[str, str]]:
        """Return the tags that the request has for what it makes, for each kind."""
        found: dict[str, dict[str, str]] = {kind: {} for kind in kinds}
        for spec in self._get_param("TagSpecifications", []):
            kind = spec.get("ResourceType")
            if kind not in found:
                raise errors.bad_value(f"'{kind}' is not a valid taggable resource type for this operation.")
            for tag in spec.get("Tags", []):
                if tag.get("Key", "").lower().startswith("aws:"):
                    raise errors.bad_value("Tag keys starting with 'aws:' are reserved for internal use")
                found[kind][tag["Key"]] = tag.get("Value", "")
        return found

    def made_before(self) -> Any:
        """Return what a request with the same client token was answered; None if there was none.

        Raises EC2's error if that request was another one."""
        request = self._fingerprint()
        before, made = self.cloud.tokens.get(self._token(), (request, None))
        if before != request:
            raise errors.token_reused()
        return made

    def remember(self, made: Any) -> ActionResult:
        """Answer what was made, and the same again to the same client token."""
        if self._get_param("ClientToken"):
            self.cloud.tokens[self._token()] = (self._fingerprint(), made)
        return ActionResult(made)

    def _token(self) -> tuple[str, ...]:
        return (self.current_account, self.region, self._get_action(), self._get_param("ClientToken", ""))

    def _fingerprint(self) -> str:
        """Return the request, whatever the action made of its parameters meanwhile."""
        if self._as_asked is None:
            self._as_asked = json.dumps(dict(self._get_params()), sort_keys=True, default=str)
        return self._as_asked

    @staticmethod
    def content(result: ActionResult) -> Any:
        """Return what moto was about to answer."""
        return result.result

    @staticmethod
    def done() -> ActionResult:
        """Answer that it is done."""
        return ActionResult({"Return": True})
