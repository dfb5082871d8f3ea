"""The request that launches a test instance: closed where EC2 lets it be."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_ec2.type_defs import RunInstancesRequestTypeDef, TagSpecificationTypeDef

    from amigate.sources.placement import Placement


def build_request(  # noqa: PLR0913 - the parts of the request
    image_id: str,
    place: Placement,
    *,
    key_name: str | None,
    group_id: str,
    private: bool,
    stop_on_shutdown: bool,
    tags: list[TagSpecificationTypeDef],
) -> RunInstancesRequestTypeDef:
    """Return the request for one instance at `place`: no role, no user data, IMDSv2 only, gone when it powers off.

    An instance gets a public address unless it is reached at its `private` one, whatever the subnet's default."""
    request: RunInstancesRequestTypeDef = {
        "ImageId": image_id,
        "InstanceType": place.instance_type,  # type: ignore[typeddict-item] # a user's word
        "MinCount": 1,
        "MaxCount": 1,
        "MetadataOptions": {
            "HttpTokens": "required",
            "HttpEndpoint": "enabled",
            "HttpPutResponseHopLimit": 1,
            "InstanceMetadataTags": "disabled",
        },
        "InstanceInitiatedShutdownBehavior": "stop" if stop_on_shutdown else "terminate",
        "TagSpecifications": tags,
    }
    if key_name is not None:
        request["KeyName"] = key_name
    if place.subnet.maps_public is not private:
        request["SubnetId"], request["SecurityGroupIds"] = place.subnet.id, [group_id]
        return request
    request["NetworkInterfaces"] = [
        {
            "DeviceIndex": 0,
            "SubnetId": place.subnet.id,
            "Groups": [group_id],
            "AssociatePublicIpAddress": not private,
            "DeleteOnTermination": True,
        }
    ]
    return request
