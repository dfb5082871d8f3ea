"""STS, as far as a caller asks who it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moto.core.responses import ActionResult
from moto.sts.responses import TokenResponse

if TYPE_CHECKING:
    from amigate.sandbox.cloud import Cloud

ACTIONS = frozenset({"GetCallerIdentity"})
"""Others would hand out credentials that the sandbox does not take."""


class Sts(TokenResponse):
    """Answers one STS request."""

    def __init__(self, cloud: Cloud) -> None:
        super().__init__()
        self.cloud = cloud

    def get_current_account(self) -> str:
        """Return the account of the access key."""
        return str(self.normalized_request.environ["amigate.account"])

    def get_region_from_url(self, request: Any, full_url: str) -> str:  # noqa: ARG002 - moto's signature
        """Return the region of the credential scope."""
        return str(request.headers["Authorization"].split("/")[2])

    def get_caller_identity(self) -> ActionResult:
        """Answer a user called sandbox."""
        account = self.current_account
        arn = f"arn:{self.partition}:iam::{account}:user/sandbox"
        return ActionResult({"Account": account, "Arn": arn, "UserId": "AIDASANDBOXSANDBOX000"})
