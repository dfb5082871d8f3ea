"""Actions on security groups; their rules are kept and described, the network does not enforce them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amigate.sandbox.api import errors
from amigate.sandbox.api.base import CloudResponse

if TYPE_CHECKING:
    from moto.core.responses import ActionResult
    from moto.ec2.models.instances import Instance


class SecurityGroups(CloudResponse):
    """Delete only what nothing uses."""

    def delete_security_group(self) -> ActionResult:
        """Refused while an instance that is not terminated has the group."""
        wanted = self._get_param("GroupId") or self._get_param("GroupName")
        group = self.backend.get_security_group_by_name_or_id(wanted) if wanted else None
        if group is None:
            raise errors.group_not_found(wanted)
        for instance in self.backend.all_instances():
            if instance.state != "terminated" and group.id in _groups(instance):
                raise errors.group_in_use(group.id)
        return super().delete_security_group()


def _groups(instance: Instance) -> set[str]:
    """Ids of the groups of an instance and its interfaces."""
    of_interfaces = (group for nic in instance.nics.values() for group in nic.group_set)
    return {group.id for group in (*instance.security_groups, *of_interfaces)}
