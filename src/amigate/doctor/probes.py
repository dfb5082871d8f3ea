"""The calls of `validate` and `share`, as dry runs: EC2 says whether they would be allowed, and does nothing.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RunInstances.html (DryRun)"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from amigate.sources import tags
from amigate.sources.instance_types import instance_types
from amigate.sources.login_key import make_login_key
from amigate.sources.placement import Placement
from amigate.sources.request import build_request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from amigate.sources.network import Network

NOBODY = "0" * 17
"""An id that nothing has."""
EXPIRES = "2000-01-01T00:00:00+00:00"
"""Were one of these calls ever carried out, `amigate reap` would take what it made at once."""


@dataclass(frozen=True, kw_only=True)
class Probe:
    """One call that is tried."""

    action: str
    """As in the policies of docs/iam, without `ec2:`; boto3's name follows from it."""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    tagged: bool = False
    """The policy allows it for what a run has tagged alone, and there is no such thing to try it on."""


READING = (
    "DescribeInstances",
    "DescribeImages",
    "DescribeInstanceStatus",
    "DescribeSecurityGroups",
    "DescribeSnapshots",
    "DescribeSubnets",
    "DescribeVolumes",
    "DescribeVpcs",
)
OPTIONAL = ("DescribeInstanceTypeOfferings", "DescribeKeyPairs")
"""Without them a run goes on, and says what it could not do (docs/permissions.md)."""


def reading(image_id: str | None) -> list[Probe]:
    """Return the calls that look."""
    found = [Probe(action=action) for action in READING]
    if image_id:
        parameters = {"ImageId": image_id, "Attribute": "launchPermission"}
        found.append(Probe(action="DescribeImageAttribute", parameters=parameters))
    return found


def optional() -> list[Probe]:
    """Return the calls that a run can do without."""
    return [Probe(action=action) for action in OPTIONAL]


def making(vpc_id: str) -> list[Probe]:
    """Return the calls that make a key pair and a security group; what is harmless comes first."""
    name = f"amigate-doctor-{os.urandom(4).hex()}"
    key = make_login_key().public_line.encode("ascii")
    return [
        Probe(
            action="ImportKeyPair",
            parameters={"KeyName": name, "PublicKeyMaterial": key, "TagSpecifications": _tags(name, "key-pair")},
        ),
        Probe(
            action="CreateSecurityGroup",
            parameters={
                "GroupName": name,
                "Description": name,
                "VpcId": vpc_id,
                "TagSpecifications": _tags(name, "security-group"),
            },
        ),
    ]


def launching(image: Mapping[str, Any], network: Network, wanted: str | None, group_id: str, *, private: bool) -> Probe:
    """Return the launch of a test instance, but for its key pair and its group, which only a run has."""
    kind = wanted or next(iter(instance_types(image)), "t3.micro")
    request = build_request(
        image["ImageId"],
        Placement(instance_type=kind, subnet=network.subnets[0]),
        key_name=None,
        group_id=group_id,
        private=private,
        stop_on_shutdown=False,
        tags=_tags("amigate-doctor", "instance", "volume", "network-interface"),
    )
    return Probe(action="RunInstances", parameters=request)


def removing() -> list[Probe]:
    """Return the calls that use and remove what a run made."""
    instance, group = f"i-{NOBODY}", f"sg-{NOBODY}"
    rule = [{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "192.0.2.1/32"}]}]
    calls: dict[str, dict[str, Any]] = {
        "AuthorizeSecurityGroupEgress": {"GroupId": group, "IpPermissions": rule},
        "AuthorizeSecurityGroupIngress": {"GroupId": group, "IpPermissions": rule},
        "RevokeSecurityGroupEgress": {"GroupId": group, "IpPermissions": rule},
        "GetConsoleOutput": {"InstanceId": instance},
        "RebootInstances": {"InstanceIds": [instance]},
        "TerminateInstances": {"InstanceIds": [instance]},
        "DeleteKeyPair": {"KeyName": f"amigate-doctor-{NOBODY}"},
        "DeleteSecurityGroup": {"GroupId": group},
        "DeleteVolume": {"VolumeId": f"vol-{NOBODY}"},
    }
    return [Probe(action=action, parameters=call, tagged=True) for action, call in calls.items()]


def sharing(image_id: str, account: str) -> Probe:
    """Return the call that lets an account launch an image; the account is the owner's own."""
    permission = {"Add": [{"UserId": account}]}
    return Probe(action="ModifyImageAttribute", parameters={"ImageId": image_id, "LaunchPermission": permission})


def _tags(name: str, *kinds: Any) -> list[Any]:
    return tags.specifications(name, "doctor", EXPIRES, *kinds)
