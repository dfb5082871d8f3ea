"""One instance somewhere: RunInstances at one place after the other, until one has room."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amigate.errors import AwsError, LaunchError
from amigate.sources.aws_errors import code_of, is_refusal
from amigate.sources.instance_types import family_of
from amigate.sources.patience import once_visible

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mypy_boto3_ec2.type_defs import RunInstancesRequestTypeDef

    from amigate.sources.aws import Aws
    from amigate.sources.placement import Placement
    from amigate.sources.removal import Made

NOT_HERE = frozenset(
    {"InsufficientInstanceCapacity", "InsufficientCapacity", "InsufficientHostCapacity", "Unsupported"}
)
"""This type in this zone: another zone may have it."""
SUBNET_FULL = "InsufficientFreeAddressesInSubnet"
TYPE_UNKNOWN = frozenset({"InvalidInstanceType", "InvalidParameterValue"})
"""The region has no such type, when the message names the parameter InstanceType."""
VCPU_LIMIT = "VcpuLimitExceeded"
"""Quotas are counted by group of families, so one other family is tried, once."""


class Launcher:
    """Tries places for one launch; what might have been launched is noted in `made` before each call."""

    def __init__(
        self, aws: Aws, made: Made, *, pause_s: float, interrupted: Callable[[], bool], say: Callable[[str], None]
    ) -> None:
        self._aws, self._made, self._pause_s = aws, made, pause_s
        self._interrupted, self._say = interrupted, say

    def launch(
        self, token: str, places: Sequence[Placement], request: Callable[[Placement], RunInstancesRequestTypeDef]
    ) -> tuple[str, Placement]:
        """Return the id of an instance and where it is; `token` begins the ClientToken of each request.

        Raises LaunchError that names every refusal when there is no room anywhere, AwsError for all else."""
        refused: dict[Placement, str] = {}
        left = list(places)
        while left:
            if self._interrupted():
                raise LaunchError(f"no launch of {token}: this run is over")
            place = left.pop(0)
            # The same token with other parameters is an IdempotentParameterMismatch, so each place has its own.
            asked: RunInstancesRequestTypeDef = {**request(place), "ClientToken": f"{token}-{len(refused) + 1}"}
            try:
                return self._run(asked), place
            except AwsError as error:
                left = _elsewhere(place, left, error, refused)
                refused[place] = code_of(error)
                if left:
                    self._say(f"{place}: {code_of(error)}; trying {left[0]}")
        raise _nowhere(refused)

    def _run(self, request: RunInstancesRequestTypeDef) -> str:
        """Launch and return the instance id; the token makes botocore's own repetitions one launch."""
        token = request["ClientToken"]
        self._made.launches_asked.add(token)
        try:
            answer = once_visible(
                f"launch {request['ImageId']}",
                lambda: self._aws.ec2.run_instances(**request),
                pause_s=self._pause_s,
            )
        except AwsError as error:
            if is_refusal(error):
                self._made.launches_asked.discard(token)
            raise
        instance_id = answer["Instances"][0]["InstanceId"]
        self._made.instance_ids.add(instance_id)
        self._made.launches_answered.add(token)
        return instance_id


def _elsewhere(
    place: Placement, left: list[Placement], error: AwsError, refused: dict[Placement, str]
) -> list[Placement]:
    """Return the places that are still worth a try after `error`; raise it when no other place would help."""
    code = code_of(error)
    if code in NOT_HERE:
        return left
    if code == SUBNET_FULL:
        return [each for each in left if each.subnet != place.subnet]
    if code == VCPU_LIMIT and VCPU_LIMIT not in refused.values():
        others = [each for each in left if family_of(each.instance_type) != family_of(place.instance_type)]
    elif is_about_type(error):
        others = [each for each in left if each.instance_type != place.instance_type]
    else:
        raise error
    if not others:
        raise error
    return others


def is_about_type(error: AwsError) -> bool:
    """Whether EC2 says that there is no such instance type."""
    return code_of(error) in TYPE_UNKNOWN and "InstanceType" in str(error)


def _nowhere(refused: dict[Placement, str]) -> LaunchError:
    told = ", ".join(f"{place} ({code})" for place, code in refused.items())
    return LaunchError(
        f"EC2 has no room for the instance: {told}",
        hint="try again later, or name another --instance-type or --subnet",
    )
