"""Launches by other names than RunInstances, behind which there would be no machine."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import code

TEMPLATE = {"LaunchTemplateSpecification": {"LaunchTemplateName": "template", "Version": "1"}}


@pytest.mark.parametrize("kind", ["instant", "request", "maintain"])
def test_a_fleet_launches_nothing(ec2: Any, image: str, kind: str) -> None:
    ec2.create_launch_template(
        LaunchTemplateName="template", LaunchTemplateData={"ImageId": image, "InstanceType": "t3.micro"}
    )
    capacity = {"TotalTargetCapacity": 1, "OnDemandTargetCapacity": 1, "DefaultTargetCapacityType": "on-demand"}
    asked = {"LaunchTemplateConfigs": [TEMPLATE], "TargetCapacitySpecification": capacity, "Type": kind}
    assert code(ec2.create_fleet, **asked) == "UnsupportedOperation"
    assert ec2.describe_instances()["Reservations"] == []


def test_a_spot_request_launches_nothing(ec2: Any, image: str) -> None:
    spec = {"ImageId": image, "InstanceType": "t3.micro"}
    assert code(ec2.request_spot_instances, LaunchSpecification=spec) == "UnsupportedOperation"
    fleet = {
        "IamFleetRole": "arn:aws:iam::111111111111:role/fleet",
        "TargetCapacity": 1,
        "LaunchSpecifications": [spec],
    }
    assert code(ec2.request_spot_fleet, SpotFleetRequestConfig=fleet) == "UnsupportedOperation"
    changed = {"SpotFleetRequestId": "sfr-0123456789abcdef0", "TargetCapacity": 2}
    assert code(ec2.modify_spot_fleet_request, **changed) == "UnsupportedOperation"
    assert ec2.describe_instances()["Reservations"] == []
