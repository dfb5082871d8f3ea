"""Removing things from an account, one at a time, and remembering what could not be removed."""

from __future__ import annotations

import shlex
import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from amigate.errors import AmigateError
from amigate.sources.aws_errors import code_of
from amigate.sources.patience import persist

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from amigate.sources.aws import Aws

TERMINATION_S = 900
"""Longest that an instance may take to be gone."""
GROUP_ATTEMPTS = 36
"""A security group can be deleted once the last network interface is gone, some time after its instance."""


@dataclass(frozen=True, kw_only=True)
class Leftover:
    """Something that may still be there, and the command that deals with it."""

    what: str
    command: str


class Remover:
    """Removes what it is told to; a `hasty` one tries everything once and waits for nothing."""

    def __init__(self, aws: Aws, *, say: Callable[[str], None], pause_s: float, hasty: bool = False) -> None:
        self._aws, self._say, self._pause_s, self._hasty = aws, say, pause_s, hasty
        self.left: list[Leftover] = []
        """What could not be removed."""
        self.removed: list[str] = []
        """What was removed, or is on its way out."""

    def terminate(self, ids: Collection[str]) -> None:
        """Terminate instances and wait until they are gone."""
        if not ids:
            return
        self._say(f"terminating {', '.join(sorted(ids))}")
        going = [
            instance_id
            for instance_id in sorted(ids)  # one by one: a call that names several does all or nothing
            if self._remove(
                f"instance {instance_id}",
                f"terminate-instances --instance-ids {instance_id}",
                partial(self._aws.ec2.terminate_instances, InstanceIds=[instance_id]),
                gone="InvalidInstanceID.NotFound",
            )
        ]
        if going and not self._hasty:
            self._wait_until_terminated(going)

    def delete_volumes(self, volumes: Collection[Mapping[str, Any]]) -> None:
        """Delete those of `volumes` (of DescribeVolumes) that do not go with their instance."""
        for volume in volumes:
            if outlives_its_instance(volume):
                self._remove(
                    f"volume {volume['VolumeId']}",
                    f"delete-volume --volume-id {volume['VolumeId']}",
                    partial(self._aws.ec2.delete_volume, VolumeId=volume["VolumeId"]),
                    gone="InvalidVolume.NotFound",
                )

    def delete_groups(self, ids: Collection[str]) -> None:
        """Delete security groups, waiting for the last network interface to let go of them."""
        for group_id in sorted(ids):
            self._remove(
                f"security group {group_id}",
                f"delete-security-group --group-id {group_id}",
                partial(self._aws.ec2.delete_security_group, GroupId=group_id),
                gone="InvalidGroup.NotFound",
                attempts=GROUP_ATTEMPTS,
            )

    def delete_key_pairs(self, names: Collection[str]) -> None:
        """Delete key pairs; EC2 takes no offence at one that is not there."""
        for name in sorted(names):
            self._remove(
                f"key pair {name}",
                f"delete-key-pair --key-name {shlex.quote(name)}",
                partial(self._aws.ec2.delete_key_pair, KeyName=name),
            )

    def look(self, what: str, command: str, call: Callable[[], Any]) -> Any:
        """Return what `call` answers, None when it goes on failing: what could not be looked for is left."""
        try:
            return self._persist(what, call, 10)
        except AmigateError:  # a configuration that cannot work any more among them: credentials that have gone
            self._note(what, command)
            return None

    def _remove(self, what: str, command: str, call: Callable[[], Any], *, gone: str = "", attempts: int = 10) -> bool:
        """Say whether it was removed, by us or before; a lasting failure is a leftover."""
        try:
            self._persist(what, call, attempts)
        except AmigateError as error:
            if not gone or code_of(error) != gone:
                self._note(what, command)
                return False
        else:
            self.removed.append(what)
        return True

    def _persist(self, what: str, call: Callable[[], Any], attempts: int) -> Any:
        return persist(f"remove {what}", call, pause_s=self._pause_s, attempts=1 if self._hasty else attempts)

    def _wait_until_terminated(self, ids: list[str]) -> None:
        deadline = time.monotonic() + TERMINATION_S
        command = f"describe-instances --instance-ids {' '.join(ids)}"
        pages = self._aws.ec2.get_paginator("describe_instances")
        while time.monotonic() < deadline:
            found = self.look(
                "instances that it could not look for",
                command,
                lambda: list(pages.paginate(Filters=[{"Name": "instance-id", "Values": ids}])),
            )
            states = {i["State"]["Name"] for page in found or () for r in page["Reservations"] for i in r["Instances"]}
            if found is None or states <= {"terminated"}:
                return
            time.sleep(self._pause_s)
        self._note("instances " + ", ".join(ids), f"terminate-instances --instance-ids {' '.join(ids)}")

    def _note(self, what: str, command: str) -> None:
        endpoint = f" --endpoint-url {self._aws.endpoint}" if self._aws.endpoint else ""
        self.left.append(Leftover(what=what, command=f"aws ec2 --region {self._aws.region}{endpoint} {command}"))


def outlives_its_instance(volume: Mapping[str, Any]) -> bool:
    """Whether a volume (of DescribeVolumes) must be deleted, because it does not go with its instance."""
    goes_by_itself = any(each.get("DeleteOnTermination") for each in volume.get("Attachments", ()))
    return not goes_by_itself and not volume["State"].startswith("delet")
