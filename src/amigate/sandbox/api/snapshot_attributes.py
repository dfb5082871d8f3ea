"""Permissions of snapshots."""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult, EmptyResult

from amigate.sandbox.api import errors, permissions
from amigate.sandbox.api.public_access import PublicAccess

_PERMISSION = "createVolumePermission"
_CODES = "productCodes"


class SnapshotAttributes(PublicAccess):
    """Share snapshots."""

    def modify_snapshot_attribute(self) -> ActionResult:
        """Add and remove accounts that may create volumes of a snapshot."""
        snapshot = self.owned_snapshot()
        if self._get_param("Attribute", _PERMISSION) != _PERMISSION:
            raise errors.bad_value(f"Value ({self._get_param('Attribute')}) for parameter attribute is invalid.")
        change = permissions.change(
            self._get_param("CreateVolumePermission", {}),
            self._get_param("OperationType"),
            {"UserId": self._get_param("UserIds", []), "Group": self._get_param("GroupNames", [])},
            kinds=("UserId", "Group"),
        )
        if change.is_empty:
            raise errors.missing("createVolumePermission")
        self.check_snapshot_sharing(snapshot, change)
        self.error_on_dryrun()
        snapshot.permissions = change.applied_to(snapshot.permissions)
        return EmptyResult()

    def describe_snapshot_attribute(self) -> ActionResult:
        """Return the permissions or product codes of the caller's own snapshot."""
        snapshot = self.owned_snapshot()
        attribute = self.required("Attribute")
        self.error_on_dryrun()
        if attribute == _PERMISSION:
            return ActionResult({"SnapshotId": snapshot.id, "CreateVolumePermissions": snapshot.permissions})
        if attribute == _CODES:
            return ActionResult({"SnapshotId": snapshot.id, "ProductCodes": snapshot.product_codes})
        raise errors.bad_value(f"Value ({attribute}) for parameter attribute is invalid.")

    def reset_snapshot_attribute(self) -> Any:
        """Take all permissions back."""
        snapshot = self.owned_snapshot()
        if self.required("Attribute") != _PERMISSION:
            raise errors.bad_value("Only createVolumePermission can be reset")
        self.error_on_dryrun()
        snapshot.permissions.clear()
        return EmptyResult()
