"""Where in the account's network test instances may go: a VPC and its subnets. IPv4 only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from amigate.errors import AwsError, UsageError
from amigate.sources.aws_errors import aws_errors, code_of

if TYPE_CHECKING:
    from mypy_boto3_ec2.type_defs import SubnetTypeDef

    from amigate.sources.aws import Aws

UNKNOWN = frozenset({"InvalidSubnetID.NotFound", "InvalidSubnetID.Malformed", "InvalidSubnetId.Malformed"})
GIVE_SUBNET = "give a subnet that the runner can reach with --subnet subnet-…"


@dataclass(frozen=True, kw_only=True)
class Subnet:
    """One subnet, which lies in one availability zone."""

    id: str
    zone: str
    maps_public: bool
    """An instance gets a public address without being asked to."""


@dataclass(frozen=True, kw_only=True)
class Network:
    """A VPC, and those of its subnets that may be used."""

    vpc_id: str
    subnets: tuple[Subnet, ...]
    """By zone; at least one."""


def find_network(aws: Aws, subnet_id: str | None) -> Network:
    """Return the subnet asked for, else the default subnets of the region's default VPC.

    Raises UsageError when there is no such thing, AwsError when EC2 does not say."""
    if subnet_id:
        found = _named(aws, subnet_id)
        return _network(found[0]["VpcId"], found)
    vpc_id = _default_vpc(aws)
    with aws_errors("describe the default subnets"):
        found = aws.ec2.describe_subnets(
            Filters=[{"Name": "vpc-id", "Values": [vpc_id]}, {"Name": "default-for-az", "Values": ["true"]}]
        )["Subnets"]
    if not found:
        raise UsageError(f"the default VPC of {aws.region} has no default subnet", hint=GIVE_SUBNET)
    return _network(vpc_id, found)


def _named(aws: Aws, subnet_id: str) -> list[SubnetTypeDef]:
    try:
        with aws_errors(f"describe {subnet_id}"):
            return aws.ec2.describe_subnets(SubnetIds=[subnet_id])["Subnets"]
    except AwsError as error:
        if code_of(error) in UNKNOWN:
            raise UsageError(f"{aws.region} has no subnet {subnet_id} of this account", hint=GIVE_SUBNET) from error
        raise


def _default_vpc(aws: Aws) -> str:
    with aws_errors("look for the default VPC"):
        vpcs = aws.ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
    if not vpcs:
        raise UsageError(f"{aws.region} has no default VPC to launch in", hint=GIVE_SUBNET)
    return vpcs[0]["VpcId"]


def _network(vpc_id: str, found: list[SubnetTypeDef]) -> Network:
    with_ipv4 = [subnet for subnet in found if not subnet.get("Ipv6Native")]
    if not with_ipv4:
        raise UsageError(f"{found[0]['SubnetId']} has IPv6 only, which is not supported", hint=GIVE_SUBNET)
    subnets = [
        Subnet(
            id=subnet["SubnetId"],
            zone=subnet["AvailabilityZone"],
            maps_public=bool(subnet.get("MapPublicIpOnLaunch")),
        )
        for subnet in with_ipv4
    ]
    return Network(vpc_id=vpc_id, subnets=tuple(sorted(subnets, key=lambda subnet: subnet.zone)))
