"""The network of a launch: addresses that QEMU can have, and refusals before anything is made."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import code
from .test_launching import end, launch

INJECTED = "172.31.0.9,hostfwd=tcp:0.0.0.0:2222-:22"


def refused(ec2: Any, image: str, **asked: Any) -> str:
    """Return the code of a launch that is refused and leaves nothing."""
    asked = {"ImageId": image, "MinCount": 1, "MaxCount": 1} | asked
    interfaces = ec2.describe_network_interfaces()["NetworkInterfaces"]
    said = code(ec2.run_instances, **asked)
    assert ec2.describe_instances()["Reservations"] == []
    assert ec2.describe_volumes()["Volumes"] == []
    assert ec2.describe_network_interfaces()["NetworkInterfaces"] == interfaces
    return said


def default_subnet(ec2: Any) -> str:
    filters = [{"Name": "availability-zone", "Values": ["us-east-1a"]}]
    return str(ec2.describe_subnets(Filters=filters)["Subnets"][0]["SubnetId"])


@pytest.mark.parametrize("address", [INJECTED, "10.1.2.3", "172.31.0.1"])
def test_an_interface_with_an_address_that_is_none_of_its_subnet_is_not_launched(
    ec2: Any, image: str, address: str
) -> None:
    made = ec2.create_network_interface(SubnetId=default_subnet(ec2), PrivateIpAddress=address)["NetworkInterface"]
    asked = [{"DeviceIndex": 0, "NetworkInterfaceId": made["NetworkInterfaceId"]}]
    assert refused(ec2, image, NetworkInterfaces=asked) == "InvalidParameterValue"


@pytest.mark.parametrize(
    "asked,expected",
    [
        ({"PrivateIpAddress": "10.1.2.3"}, "InvalidParameterValue"),
        ({"PrivateIpAddress": "nonsense"}, "InvalidParameterValue"),
        ({"PrivateIpAddress": "172.31.0.9", "MaxCount": 2}, "InvalidParameterCombination"),
        ({"NetworkInterfaces": [{"DeviceIndex": 1}]}, "InvalidParameterValue"),
        ({"NetworkInterfaces": [{"Description": "nowhere"}]}, "MissingParameter"),
        ({"NetworkInterfaces": [{"DeviceIndex": 0, "PrivateIpAddress": INJECTED}]}, "InvalidParameterValue"),
        (
            {"NetworkInterfaces": [{"DeviceIndex": 0}, {"DeviceIndex": 1, "SubnetId": "subnet-0123456789abcdef0"}]},
            "InvalidSubnetID.NotFound",
        ),
    ],
)
def test_a_network_that_cannot_be_starts_nothing(ec2: Any, image: str, asked: dict[str, Any], expected: str) -> None:
    assert refused(ec2, image, **asked) == expected


def test_a_subnet_that_machines_cannot_have_is_refused(ec2: Any, image: str) -> None:
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]
    assert refused(ec2, image, SubnetId=subnet) == "UnsupportedOperation"


def test_an_address_of_the_subnet_is_had_once(ec2: Any, image: str) -> None:
    launched = launch(ec2, image, PrivateIpAddress="172.31.0.77")
    assert launched["PrivateIpAddress"] == "172.31.0.77"
    asked = {"ImageId": image, "MinCount": 1, "MaxCount": 1, "PrivateIpAddress": "172.31.0.77"}
    assert code(ec2.run_instances, **asked) == "InvalidIPAddress.InUse"
    end(ec2, launched)
    end(ec2, launch(ec2, image, PrivateIpAddress="172.31.0.77"))
