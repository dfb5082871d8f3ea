"""Launches by other names than RunInstances: refused, as moto would answer them with instances that have no machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amigate.sandbox.api import errors
from amigate.sandbox.api.base import CloudResponse

if TYPE_CHECKING:
    from moto.core.responses import ActionResult


class Fleets(CloudResponse):
    """Spot requests and fleets."""

    def create_fleet(self) -> ActionResult:
        """Refused: a fleet of any type would launch."""
        raise errors.unsupported("only RunInstances launches")

    def request_spot_fleet(self) -> ActionResult:
        """Refused for the same reason."""
        return self.create_fleet()

    def modify_spot_fleet_request(self) -> ActionResult:
        """Refused for the same reason: a larger target would launch."""
        return self.create_fleet()

    def request_spot_instances(self) -> ActionResult:
        """Refused for the same reason."""
        return self.create_fleet()
