"""The security group of a run: in for the runner only, out for nobody but what the profile lists."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from amigate.errors import AwsError
from amigate.sources.aws_errors import aws_errors, code_of
from amigate.sources.patience import once_visible

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from ipaddress import IPv4Network

    from mypy_boto3_ec2.type_defs import (
        CreateSecurityGroupRequestTypeDef,
        IpPermissionOutputTypeDef,
        IpPermissionTypeDef,
        TagSpecificationTypeDef,
    )

    from amigate.profile import Egress
    from amigate.sources.aws import Aws
    from amigate.sources.removal import Made

CLOSING_ATTEMPTS = 6
"""How often a new group is looked at until EC2 shows no way out of it."""


@dataclass(frozen=True, kw_only=True)
class GroupPlan:
    """A security group to make."""

    name: str
    tags: list[TagSpecificationTypeDef] = field(repr=False)
    runner: IPv4Network
    """Who may connect, to `port` only."""
    port: int
    vpc_id: str
    egress: Sequence[Egress] = ()
    """Where the instances may connect to; nowhere by default."""


def make_security_group(aws: Aws, plan: GroupPlan, made: Made, *, pause_s: float) -> str:
    """Make the group and return its id; every step is noted in `made` before it can fail."""
    request: CreateSecurityGroupRequestTypeDef = {
        "GroupName": plan.name,
        "Description": "amigate: test instances, reachable from the runner only",
        "VpcId": plan.vpc_id,
        "TagSpecifications": plan.tags,
    }
    made.group_asked = True
    group_id = _create(aws, request)
    made.group_ids.add(group_id)
    _close_egress(aws, group_id, pause_s)
    if plan.egress:
        _open_egress(aws, group_id, plan, pause_s)
    _open_ingress(aws, group_id, plan, pause_s)
    return group_id


def _create(aws: Aws, request: CreateSecurityGroupRequestTypeDef) -> str:
    try:
        with aws_errors("make a security group"):
            return aws.ec2.create_security_group(**request)["GroupId"]
    except AwsError as error:
        if code_of(error) != "InvalidGroup.Duplicate":
            raise
    # The name is ours alone: an earlier attempt of botocore went through and its answer was lost.
    with aws_errors("find the security group just made"):
        named = aws.ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": [request["GroupName"]]}])
    return named["SecurityGroups"][0]["GroupId"]


def _close_egress(aws: Aws, group_id: str, pause_s: float) -> None:
    """Revoke whatever EC2 put there by itself, IPv4 to everywhere and IPv6 where the VPC has it, until it is gone.

    Raises AwsError when EC2 goes on showing a way out."""
    for attempt in range(CLOSING_ATTEMPTS):
        time.sleep(pause_s if attempt > 1 else 0)
        [group] = once_visible(
            f"describe {group_id}",
            lambda: aws.ec2.describe_security_groups(GroupIds=[group_id])["SecurityGroups"],
            pause_s=pause_s,
        )
        rules = group["IpPermissionsEgress"]
        if not rules:
            return
        _revoke(aws, group_id, rules, pause_s)
    raise AwsError(f"could not close {group_id} to the outside: EC2 still shows a way out")


def _revoke(aws: Aws, group_id: str, rules: list[IpPermissionOutputTypeDef], pause_s: float) -> None:
    try:
        once_visible(
            f"close {group_id} to the outside",
            lambda: aws.ec2.revoke_security_group_egress(GroupId=group_id, IpPermissions=rules),
            pause_s=pause_s,
        )
    except AwsError as error:
        if code_of(error) != "InvalidPermission.NotFound":  # an answer was lost, the rules are gone
            raise


def _open_egress(aws: Aws, group_id: str, plan: GroupPlan, pause_s: float) -> None:
    rules = [_permission(each) for each in plan.egress]
    _authorize(
        f"open {group_id} to what the profile lists",
        lambda: aws.ec2.authorize_security_group_egress(GroupId=group_id, IpPermissions=rules),
        pause_s,
    )


def _permission(egress: Egress) -> IpPermissionTypeDef:
    rule: IpPermissionTypeDef = {"IpProtocol": egress.protocol, "FromPort": egress.port, "ToPort": egress.port}
    note = "listed in the profile"
    if egress.prefix_list:
        rule["PrefixListIds"] = [{"PrefixListId": egress.prefix_list, "Description": note}]
    else:
        rule["IpRanges"] = [{"CidrIp": str(egress.cidr), "Description": note}]
    return rule


def _open_ingress(aws: Aws, group_id: str, plan: GroupPlan, pause_s: float) -> None:
    rule: IpPermissionTypeDef = {
        "IpProtocol": "tcp",
        "FromPort": plan.port,
        "ToPort": plan.port,
        "IpRanges": [{"CidrIp": str(plan.runner), "Description": "the machine amigate runs on"}],
    }
    _authorize(
        f"open {group_id} to {plan.runner}",
        lambda: aws.ec2.authorize_security_group_ingress(GroupId=group_id, IpPermissions=[rule]),
        pause_s,
    )


def _authorize(what: str, call: Callable[[], object], pause_s: float) -> None:
    try:
        once_visible(what, call, pause_s=pause_s)
    except AwsError as error:
        if code_of(error) != "InvalidPermission.Duplicate":  # an answer was lost, the rule is there
            raise
