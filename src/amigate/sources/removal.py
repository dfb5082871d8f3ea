"""The removal of everything that a run made in an account."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from amigate.errors import RemovalError
from amigate.sources import tags
from amigate.sources.remover import Remover

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_ec2.type_defs import FilterTypeDef

    from amigate.sources.aws import Aws

DOUBT_ATTEMPTS = 8
"""How often a launch that was never answered is looked for; with the pause of AWS, 40 s."""


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


class Removal:
    """Removes what was `made` in one run: instances, volumes, security group, key pairs, in this order."""

    def __init__(self, aws: Aws, run_id: str, made: Made, *, say: Callable[[str], None], pause_s: float) -> None:
        self._aws, self._made, self._pause_s = aws, made, pause_s
        self._ours: list[FilterTypeDef] = [{"Name": f"tag:{tags.RUN}", "Values": [run_id]}]
        self._tag_option = f"--filters Name=tag:{tags.RUN},Values={run_id}"
        self._remover = Remover(aws, say=say, pause_s=pause_s)

    def run(self) -> None:
        """Remove it all; raise one RemovalError that names what could not be removed, and how to."""
        if self._made.launches_asked:
            self._remover.terminate(self._find_instances() | self._made.instance_ids)
            self._remover.delete_volumes(self._find_volumes())
        if self._made.group_asked:
            self._remover.delete_groups(self._made.group_ids or self._find_groups())
        self._remover.delete_key_pairs(self._made.key_names)
        if left := self._remover.left:
            raise RemovalError(
                "this run could not remove " + ", ".join(each.what for each in left),
                hint="remove them yourself:\n" + "\n".join(each.command for each in left),
            )

    def _find_instances(self) -> set[str]:
        """Return our instances by tag, waiting for those whose launch was never answered."""
        found: dict[str, str] = {}
        for _ in range(DOUBT_ATTEMPTS):
            instances = self._describe_instances()
            found = {i["InstanceId"]: i["State"]["Name"] for i in instances}
            seen = {i.get("ClientToken", "") for i in instances}
            if not self._made.launches_asked - self._made.launches_answered - seen:
                break
            time.sleep(self._pause_s)
        return {id_ for id_, state in found.items() if state != "terminated"}

    def _describe_instances(self) -> list[Any]:
        pages = self._remover.look(
            "instances that it could not look for",
            f"describe-instances {self._tag_option}",
            lambda: list(self._aws.ec2.get_paginator("describe_instances").paginate(Filters=self._ours)),
        )
        return [i for page in pages or () for r in page["Reservations"] for i in r["Instances"]]

    def _find_volumes(self) -> list[Any]:
        """Return what an image's mapping keeps after termination, among others."""
        found = self._remover.look(
            "volumes that it could not look for",
            f"describe-volumes {self._tag_option}",
            lambda: self._aws.ec2.describe_volumes(Filters=self._ours)["Volumes"],
        )
        return list(found or ())

    def _find_groups(self) -> set[str]:
        """Return groups that were asked for, and never answered."""
        found = self._remover.look(
            "security groups that it could not look for",
            f"describe-security-groups {self._tag_option}",
            lambda: self._aws.ec2.describe_security_groups(Filters=self._ours)["SecurityGroups"],
        )
        return {group["GroupId"] for group in found or ()}
