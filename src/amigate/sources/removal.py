"""The removal of everything that a run made in an account."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from amigate.errors import AwsError
from amigate.sources.aws_errors import code_of
from amigate.sources.patience import persist

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_ec2.type_defs import FilterTypeDef

    from amigate.sources.aws import Aws

TERMINATION_S = 900
"""Longest that an instance may take to be gone."""
DOUBT_ATTEMPTS = 8
"""How often a launch that was never answered is looked for; with the pause of AWS, 40 s."""
GROUP_ATTEMPTS = 36
"""A security group can be deleted once the last network interface is gone, some time after its instance."""


@dataclass(kw_only=True)
class Made:
    """What a run may have in the account; noted before each call, so that a lost answer loses nothing."""

    key_names: set[str] = field(default_factory=set)
    group_asked: bool = False
    group_ids: set[str] = field(default_factory=set)
    instance_ids: set[str] = field(default_factory=set)
    launches_asked: set[str] = field(default_factory=set)
    """Client tokens of every RunInstances that AWS did not refuse."""
    launches_answered: set[str] = field(default_factory=set)


@dataclass(frozen=True, kw_only=True)
class Leftover:
    """Something that may still be there, and the command that deals with it."""

    what: str
    command: str


class Removal:
    """Removes what was `made` in one run: instances, volumes, security group, key pairs, in this order."""

    def __init__(self, aws: Aws, run_id: str, made: Made, *, say: Callable[[str], None], pause_s: float) -> None:
        self._aws, self._made, self._say, self._pause_s = aws, made, say, pause_s
        self._ours: list[FilterTypeDef] = [{"Name": "tag:amigate:run", "Values": [run_id]}]
        self._tag_option = f"--filters Name=tag:amigate:run,Values={run_id}"
        self._left: list[Leftover] = []

    def run(self) -> None:
        """Remove it all; raise one AwsError that names what could not be removed, and how to."""
        if self._made.launches_asked:
            self._remove_instances()
            self._remove_volumes()
        if self._made.group_asked:
            self._remove_groups()
        for name in sorted(self._made.key_names):
            self._try(
                f"key pair {name}",
                f"delete-key-pair --key-name {name}",
                partial(self._aws.ec2.delete_key_pair, KeyName=name),
            )
        if self._left:
            raise AwsError(
                "this run could not remove " + ", ".join(left.what for left in self._left),
                hint="remove them yourself:\n" + "\n".join(left.command for left in self._left),
            )

    def _remove_instances(self) -> None:
        ids = sorted(self._find_instances() | self._made.instance_ids)
        if not ids:
            return
        self._say(f"terminating {', '.join(ids)}")
        for instance_id in ids:  # one by one: a call that names several does all or nothing
            self._try(
                f"instance {instance_id}",
                f"terminate-instances --instance-ids {instance_id}",
                partial(self._aws.ec2.terminate_instances, InstanceIds=[instance_id]),
                gone="InvalidInstanceID.NotFound",
            )
        self._wait_until_terminated(ids)

    def _find_instances(self) -> set[str]:
        """Return our instances by tag, waiting for those whose launch was never answered."""
        found: dict[str, str] = {}
        for _ in range(DOUBT_ATTEMPTS):
            instances = self._describe_instances(self._ours)
            found = {i["InstanceId"]: i["State"]["Name"] for i in instances}
            seen = {i.get("ClientToken", "") for i in instances}
            if not self._made.launches_asked - self._made.launches_answered - seen:
                break
            time.sleep(self._pause_s)
        return {id_ for id_, state in found.items() if state != "terminated"}

    def _wait_until_terminated(self, ids: list[str]) -> None:
        deadline = time.monotonic() + TERMINATION_S
        wanted: list[FilterTypeDef] = [{"Name": "instance-id", "Values": ids}]
        while time.monotonic() < deadline:
            states = {i["State"]["Name"] for i in self._describe_instances(wanted)}
            if states <= {"terminated"} or self._left:
                return
            time.sleep(self._pause_s)
        self._note("instances " + ", ".join(ids), f"terminate-instances --instance-ids {' '.join(ids)}")

    def _describe_instances(self, filters: list[FilterTypeDef]) -> list[Any]:
        pages = self._try(
            "instances that it could not look for",
            f"describe-instances {self._tag_option}",
            lambda: list(self._aws.ec2.get_paginator("describe_instances").paginate(Filters=filters)),
        )
        return [i for page in pages or () for r in page["Reservations"] for i in r["Instances"]]

    def _remove_volumes(self) -> None:
        """Delete what an image's mapping keeps after termination."""
        found = self._try(
            "volumes that it could not look for",
            f"describe-volumes {self._tag_option}",
            lambda: self._aws.ec2.describe_volumes(Filters=self._ours)["Volumes"],
        )
        for volume in found or ():
            goes_by_itself = any(a.get("DeleteOnTermination") for a in volume.get("Attachments", ()))
            if not goes_by_itself and not volume["State"].startswith("delet"):
                self._try(
                    f"volume {volume['VolumeId']}",
                    f"delete-volume --volume-id {volume['VolumeId']}",
                    partial(self._aws.ec2.delete_volume, VolumeId=volume["VolumeId"]),
                    gone="InvalidVolume.NotFound",
                )

    def _remove_groups(self) -> None:
        ids = set(self._made.group_ids)
        if not ids:  # asked for, never answered
            found = self._try(
                "security groups that it could not look for",
                f"describe-security-groups {self._tag_option}",
                lambda: self._aws.ec2.describe_security_groups(Filters=self._ours)["SecurityGroups"],
            )
            ids = {group["GroupId"] for group in found or ()}
        for group_id in sorted(ids):
            self._try(
                f"security group {group_id}",
                f"delete-security-group --group-id {group_id}",
                partial(self._aws.ec2.delete_security_group, GroupId=group_id),
                gone="InvalidGroup.NotFound",
                attempts=GROUP_ATTEMPTS,
            )

    def _try(self, what: str, command: str, call: Callable[[], Any], *, gone: str = "", attempts: int = 10) -> Any:
        """Return what `call` answers; a lasting failure is a leftover, unless AWS says that it is gone."""
        try:
            return persist(f"remove {what}", call, pause_s=self._pause_s, attempts=attempts)
        except AwsError as error:
            if not gone or code_of(error) != gone:
                self._note(what, command)
            return None

    def _note(self, what: str, command: str) -> None:
        endpoint = f" --endpoint-url {self._aws.endpoint}" if self._aws.endpoint else ""
        self._left.append(Leftover(what=what, command=f"aws ec2 --region {self._aws.region}{endpoint} {command}"))
