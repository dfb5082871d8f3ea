"""Every common call answers something that clients can read, whether its ids are there or not."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from .conftest import Caller

CODE = re.compile(r"[A-Z][A-Za-z0-9]+(\.[A-Z][A-Za-z]+)*")
ABSENT = {
    "ami": "ami-0123456789abcdef0",
    "i": "i-0123456789abcdef0",
    "snap": "snap-0123456789abcdef0",
    "vol": "vol-0123456789abcdef0",
    "sg": "sg-0123456789abcdef0",
    "eni": "eni-0123456789abcdef0",
    "subnet": "subnet-0123456789abcdef0",
    "vpc": "vpc-0123456789abcdef0",
    "key": "nobody",
}
NONSENSE = {kind: f"{kind}-nonsense" for kind in ABSENT}
IMAGE, INSTANCE, SNAPSHOT, VOLUME = {"ImageId": "ami"}, {"InstanceId": "i"}, {"SnapshotId": "snap"}, {"VolumeId": "vol"}
CALLS: list[tuple[str, dict[str, Any]]] = [
    ("associate_iam_instance_profile", INSTANCE | {"IamInstanceProfile": {"Name": "none"}}),
    ("attach_volume", INSTANCE | VOLUME | {"Device": "/dev/sdf"}),
    ("authorize_security_group_egress", {"GroupId": "sg", "IpPermissions": []}),
    ("authorize_security_group_ingress", {"GroupId": "sg", "IpPermissions": []}),
    ("cancel_image_launch_permission", IMAGE),
    ("copy_image", {"SourceImageId": "ami", "SourceRegion": "us-east-1", "Name": "a copy"}),
    ("copy_snapshot", {"SourceSnapshotId": "snap", "SourceRegion": "us-east-1"}),
    ("create_image", INSTANCE | {"Name": "an image of it"}),
    ("create_key_pair", {"KeyName": "new"}),
    ("create_launch_template", {"LaunchTemplateName": "template", "LaunchTemplateData": {"ImageId": "ami"}}),
    ("create_restore_image_task", {"Bucket": "bucket", "ObjectKey": "key"}),
    ("create_security_group", {"GroupName": "group", "Description": "text", "VpcId": "vpc"}),
    ("create_snapshot", VOLUME),
    ("create_snapshots", {"InstanceSpecification": INSTANCE}),
    ("create_store_image_task", IMAGE | {"Bucket": "bucket"}),
    ("create_tags", {"Resources": ["ami", "i", "snap", "vol", "sg"], "Tags": [{"Key": "a", "Value": "b"}]}),
    ("create_volume", SNAPSHOT | {"AvailabilityZone": "us-east-1a"}),
    ("delete_key_pair", {"KeyName": "key"}),
    ("delete_security_group", {"GroupId": "sg"}),
    ("delete_snapshot", SNAPSHOT),
    ("delete_tags", {"Resources": ["ami"], "Tags": [{"Key": "a"}]}),
    ("delete_volume", VOLUME),
    ("deregister_image", IMAGE),
    ("describe_account_attributes", {}),
    ("describe_availability_zones", {}),
    ("describe_export_image_tasks", {}),
    ("describe_fast_launch_images", {}),
    ("describe_iam_instance_profile_associations", {}),
    ("describe_image_attribute", IMAGE | {"Attribute": "launchPermission"}),
    ("describe_images", {"ImageIds": ["ami"]}),
    ("describe_import_image_tasks", {}),
    ("describe_instance_attribute", INSTANCE | {"Attribute": "userData"}),
    ("describe_instance_credit_specifications", {"InstanceIds": ["i"]}),
    ("describe_instance_status", {"InstanceIds": ["i"]}),
    ("describe_instance_type_offerings", {}),
    ("describe_instance_types", {"InstanceTypes": ["t3.micro"]}),
    ("describe_instances", {"InstanceIds": ["i"]}),
    ("describe_key_pairs", {"KeyNames": ["key"]}),
    ("describe_launch_templates", {}),
    ("describe_network_interfaces", {"NetworkInterfaceIds": ["eni"]}),
    ("describe_regions", {}),
    ("describe_route_tables", {}),
    ("describe_security_group_rules", {}),
    ("describe_security_groups", {"GroupIds": ["sg"]}),
    ("describe_snapshot_attribute", SNAPSHOT | {"Attribute": "createVolumePermission"}),
    ("describe_snapshot_tier_status", {}),
    ("describe_snapshots", {"SnapshotIds": ["snap"]}),
    ("describe_spot_price_history", {}),
    ("describe_subnets", {"SubnetIds": ["subnet"]}),
    ("describe_tags", {}),
    ("describe_volume_attribute", VOLUME | {"Attribute": "autoEnableIO"}),
    ("describe_volume_status", {}),
    ("describe_volumes", {"VolumeIds": ["vol"]}),
    ("describe_volumes_modifications", {}),
    ("describe_vpcs", {"VpcIds": ["vpc"]}),
    ("detach_volume", VOLUME),
    ("disable_image", IMAGE),
    ("disable_image_deprecation", IMAGE),
    ("disable_image_deregistration_protection", IMAGE),
    ("enable_image", IMAGE),
    ("enable_image_deprecation", IMAGE | {"DeprecateAt": "2040-01-01T00:00:00Z"}),
    ("enable_image_deregistration_protection", IMAGE),
    ("export_image", IMAGE | {"DiskImageFormat": "VMDK", "S3ExportLocation": {"S3Bucket": "bucket"}}),
    ("get_allowed_images_settings", {}),
    ("get_console_output", INSTANCE),
    ("get_console_screenshot", INSTANCE),
    ("get_ebs_default_kms_key_id", {}),
    ("get_ebs_encryption_by_default", {}),
    ("get_image_ancestry", IMAGE),
    ("get_image_block_public_access_state", {}),
    ("get_instance_metadata_defaults", {}),
    ("get_instance_uefi_data", INSTANCE),
    ("get_launch_template_data", INSTANCE),
    ("get_password_data", INSTANCE),
    ("get_serial_console_access_status", {}),
    ("get_snapshot_block_public_access_state", {}),
    ("import_image", {}),
    ("import_key_pair", {"KeyName": "imported", "PublicKeyMaterial": b"nonsense"}),
    ("list_images_in_recycle_bin", {}),
    ("list_snapshots_in_recycle_bin", {}),
    ("modify_image_attribute", IMAGE | {"Description": {"Value": "text"}}),
    ("modify_instance_attribute", INSTANCE | {"Groups": ["sg"]}),
    ("modify_instance_metadata_options", INSTANCE | {"HttpTokens": "required"}),
    ("modify_snapshot_attribute", SNAPSHOT | {"OperationType": "add", "UserIds": ["111111111111"]}),
    ("modify_snapshot_tier", SNAPSHOT),
    ("modify_volume", VOLUME | {"Size": 10}),
    ("monitor_instances", {"InstanceIds": ["i"]}),
    ("reboot_instances", {"InstanceIds": ["i"]}),
    ("register_image", {"Name": "registered", "BlockDeviceMappings": [{"DeviceName": "/dev/sda1", "Ebs": SNAPSHOT}]}),
    ("reset_image_attribute", IMAGE | {"Attribute": "launchPermission"}),
    ("reset_snapshot_attribute", SNAPSHOT | {"Attribute": "createVolumePermission"}),
    ("restore_image_from_recycle_bin", IMAGE),
    ("restore_snapshot_tier", SNAPSHOT),
    ("revoke_security_group_ingress", {"GroupId": "sg", "IpPermissions": []}),
    ("run_instances", IMAGE | {"MinCount": 1, "MaxCount": 1, "InstanceType": "t3.micro", "KeyName": "key"}),
    ("run_instances", IMAGE | {"MinCount": 1, "MaxCount": 1, "SecurityGroupIds": ["sg"], "SubnetId": "subnet"}),
    ("start_instances", {"InstanceIds": ["i"]}),
    ("stop_instances", {"InstanceIds": ["i"]}),
    ("terminate_instances", {"InstanceIds": ["i"]}),
    ("unmonitor_instances", {"InstanceIds": ["i"]}),
]


def filled(template: Any, ids: dict[str, str]) -> Any:
    """Return parameters with ids for the kinds that stand there."""
    if isinstance(template, dict):
        return {name: filled(value, ids) for name, value in template.items()}
    if isinstance(template, list):
        return [filled(value, ids) for value in template]
    return ids.get(template, template) if isinstance(template, str) else template


def outcome(client: Any, call: str, parameters: dict[str, Any]) -> str:
    """Return an error code, or nothing; anything else that goes wrong is raised."""
    try:
        getattr(client, call)(**parameters)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return ""


@pytest.fixture
def there(ec2: Any, image: str) -> dict[str, str]:
    """Return ids of things that are there, except of an instance, which would take its own time."""
    subnet = ec2.describe_subnets()["Subnets"][0]
    return ABSENT | {
        "ami": image,
        "snap": ec2.describe_images(ImageIds=[image])["Images"][0]["BlockDeviceMappings"][0]["Ebs"]["SnapshotId"],
        "vol": ec2.create_volume(AvailabilityZone="us-east-1a", Size=1)["VolumeId"],
        "sg": ec2.describe_security_groups()["SecurityGroups"][0]["GroupId"],
        "subnet": subnet["SubnetId"],
        "vpc": subnet["VpcId"],
    }


def unreadable(client: Any, ids: dict[str, str], **more: Any) -> dict[str, str]:
    """Return what calls answer that they should not; those that take something away come last."""
    found = {}
    for call, template in sorted(CALLS, key=lambda one: one[0].startswith(("delete", "deregister", "terminate"))):
        if hasattr(client, call):
            found[call] = outcome(client, call, filled(template, ids) | more)
    return {call: said for call, said in found.items() if said == "InternalError" or not CODE.fullmatch(said or "None")}


def test_calls_with_ids_that_are_there_answer_or_refuse_with_a_code(ec2: Any, there: dict[str, str]) -> None:
    assert unreadable(ec2, there) == {}


@pytest.mark.parametrize("ids", [ABSENT, NONSENSE], ids=["absent", "nonsense"])
def test_calls_with_ids_that_are_not_there_refuse_with_a_code(ec2: Any, ids: dict[str, str]) -> None:
    assert unreadable(ec2, ids) == {}


def test_a_dry_run_of_any_call_answers_with_a_code(ec2: Any, there: dict[str, str]) -> None:
    model, methods = ec2.meta.service_model, ec2.meta.method_to_api_mapping
    for call, template in CALLS:
        if call in methods and "DryRun" in model.operation_model(methods[call]).input_shape.members:
            said = outcome(ec2, call, filled(template, there) | {"DryRun": True})
            assert (call, said) not in {(call, ""), (call, "InternalError")}
    assert ec2.describe_images(ImageIds=[there["ami"]])["Images"]


def test_calls_without_their_parameters_say_what_is_missing(caller: Caller) -> None:
    careless = caller.client(parameter_validation=False)
    model, methods = careless.meta.service_model, careless.meta.method_to_api_mapping
    for call, _ in CALLS:
        if call == "copy_snapshot" or call not in methods:
            continue  # botocore itself needs the region, to sign the address of the source
        said = outcome(careless, call, {})
        assert (call, said) != (call, "InternalError")
        if model.operation_model(methods[call]).input_shape.required_members:
            assert (call, said) in {(call, "MissingParameter"), (call, "InvalidAction")}


@pytest.mark.parametrize(
    "call,wrong",
    [
        ("run_instances", {"MinCount": "few", "MaxCount": "many"}),
        ("run_instances", {"MinCount": 1, "MaxCount": 1, "InstanceInitiatedShutdownBehavior": "explode"}),
        ("run_instances", {"MinCount": 1, "MaxCount": 1, "Placement": {"AvailabilityZone": "nowhere"}}),
        ("describe_images", {"MaxResults": "all"}),
        ("create_volume", {"AvailabilityZone": "nowhere", "Size": 1}),
    ],
)
def test_a_value_of_the_wrong_kind_is_named_as_such(
    caller: Caller, image: str, call: str, wrong: dict[str, Any]
) -> None:
    careless = caller.client(parameter_validation=False)
    named = {"ImageId": image} if call == "run_instances" else {}
    assert outcome(careless, call, named | wrong) == "InvalidParameterValue"


def test_a_security_group_by_name_must_be_there(ec2: Any, image: str) -> None:
    asked = {"ImageId": image, "MinCount": 1, "MaxCount": 1, "SecurityGroups": ["nobody"]}
    assert outcome(ec2, "run_instances", asked) == "InvalidGroup.NotFound"
