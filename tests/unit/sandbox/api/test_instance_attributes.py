"""Metadata options and attributes of instances."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Caller, code
from .test_launching import end, instance, launch

OPTIONS = {
    "HttpTokens": "optional",
    "HttpPutResponseHopLimit": 1,
    "HttpEndpoint": "enabled",
    "HttpProtocolIpv6": "disabled",
    "InstanceMetadataTags": "disabled",
    "State": "applied",
}


def test_options_that_are_not_named_stay_and_all_take_effect_at_once(caller: Caller, ec2: Any, image: str) -> None:
    launched = launch(ec2, image, MetadataOptions={"HttpPutResponseHopLimit": 3})
    named = {"InstanceId": launched["InstanceId"]}
    cloud = caller.sandbox._cloud
    assert cloud is not None
    machine = cloud.machine(launched["InstanceId"])
    assert launched["MetadataOptions"] == OPTIONS | {"HttpPutResponseHopLimit": 3}
    assert machine.spec.tokens_required is False
    answer = ec2.modify_instance_metadata_options(**named, HttpTokens="required")["InstanceMetadataOptions"]
    expected = OPTIONS | {"HttpPutResponseHopLimit": 3, "HttpTokens": "required"}
    assert answer == instance(ec2, launched["InstanceId"])["MetadataOptions"] == expected
    assert (machine.spec.tokens_required, machine.spec.metadata_enabled) == (True, True)
    ec2.modify_instance_metadata_options(**named, HttpEndpoint="disabled")
    assert (machine.spec.tokens_required, machine.spec.metadata_enabled) == (True, False)
    end(ec2, launched)
    assert code(ec2.modify_instance_metadata_options, **named, HttpTokens="optional") == "IncorrectInstanceState"


def test_an_image_that_supports_imds_v2_only_asks_for_tokens_and_two_hops(ec2: Any, image: str) -> None:
    ec2.modify_image_attribute(ImageId=image, ImdsSupport={"Value": "v2.0"})
    launched = launch(ec2, image)
    options = launched["MetadataOptions"]
    assert (options["HttpTokens"], options["HttpPutResponseHopLimit"]) == ("required", 2)
    end(ec2, launched)


@pytest.mark.parametrize("wrong", [{"HttpPutResponseHopLimit": 65}, {"HttpPutResponseHopLimit": 0}])
def test_a_hop_limit_is_between_one_and_64(ec2: Any, image: str, wrong: dict[str, Any]) -> None:
    asked = {"ImageId": image, "MinCount": 1, "MaxCount": 1, "MetadataOptions": wrong}
    assert code(ec2.run_instances, **asked) == "InvalidParameterValue"
    launched = launch(ec2, image)
    change = ec2.modify_instance_metadata_options
    assert code(change, InstanceId=launched["InstanceId"], **wrong) == "InvalidParameterValue"
    assert code(change, InstanceId=launched["InstanceId"], HttpTokens="never") == "InvalidParameterValue"
    assert code(change, InstanceId=launched["InstanceId"]) == "InvalidParameterCombination"
    assert code(change, InstanceId=launched["InstanceId"], HttpTokens="required", DryRun=True) == "DryRunOperation"
    end(ec2, launched)


def test_a_protected_instance_is_neither_terminated_nor_stopped(ec2: Any, image: str) -> None:
    launched = launch(ec2, image, DisableApiTermination=True, DisableApiStop=True)
    named = {"InstanceIds": [launched["InstanceId"]]}
    assert code(ec2.terminate_instances, **named) == "OperationNotPermitted"
    assert code(ec2.stop_instances, **named) == "OperationNotPermitted"
    ec2.modify_instance_attribute(InstanceId=launched["InstanceId"], DisableApiTermination={"Value": False})
    end(ec2, launched)


def test_attributes_change_as_far_as_a_machine_can(ec2: Any, image: str) -> None:
    launched = launch(ec2, image)
    named = {"InstanceId": launched["InstanceId"]}
    change = ec2.modify_instance_attribute
    change(**named, InstanceInitiatedShutdownBehavior={"Value": "terminate"})
    asked = ec2.describe_instance_attribute(**named, Attribute="instanceInitiatedShutdownBehavior")
    assert asked["InstanceInitiatedShutdownBehavior"] == {"Value": "terminate"}
    assert code(change, **named, InstanceType={"Value": "t2.micro"}) == "IncorrectInstanceState"
    assert code(change, **named) == "InvalidParameterCombination"
    stay = [{"DeviceName": "/dev/xvda", "Ebs": {"DeleteOnTermination": False}}]
    missing = [{"DeviceName": "/dev/sdz", "Ebs": {"DeleteOnTermination": False}}]
    assert code(change, **named, BlockDeviceMappings=missing) == "InvalidBlockDeviceMapping"
    change(**named, BlockDeviceMappings=stay)
    end(ec2, launched)
    (left,) = ec2.describe_volumes()["Volumes"]
    ec2.delete_volume(VolumeId=left["VolumeId"])


def test_calls_without_an_instance_say_so(ec2: Any) -> None:
    missing = "i-0123456789abcdef0"
    for call in (ec2.stop_instances, ec2.start_instances, ec2.reboot_instances, ec2.terminate_instances):
        assert code(call, InstanceIds=[missing]) == "InvalidInstanceID.NotFound"
    assert code(ec2.modify_instance_metadata_options, InstanceId=missing) == "InvalidInstanceID.NotFound"
    assert code(ec2.get_console_output, InstanceId=missing) == "InvalidInstanceID.NotFound"
