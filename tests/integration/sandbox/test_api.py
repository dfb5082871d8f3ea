"""The API without booting a machine: what EC2 says to calls that go wrong, and what it remembers.

Marked vm, because it needs the lean image, which takes a minute to build."""

from __future__ import annotations

import urllib.request
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError
from urllib3 import PoolManager

from amigate.errors import SandboxError, UsageError
from amigate.sandbox import Sandbox, images

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.vm

FOREIGN = "999999999999"


def code(call: Callable[..., object], **parameters: Any) -> str:
    """Return the error code that a call ends with."""
    with pytest.raises(ClientError) as refused:
        call(**parameters)
    return str(refused.value.response["Error"]["Code"])


def client(sandbox: Sandbox, service: Any, key: str = "") -> Any:
    return boto3.client(
        service,
        endpoint_url=sandbox.endpoint,
        region_name=sandbox.region,
        aws_access_key_id=key or sandbox.access_key_id,
        aws_secret_access_key=sandbox.secret_access_key,
    )


@pytest.fixture
def foreign_ami(sandbox: Sandbox, request: pytest.FixtureRequest) -> str:
    return sandbox.add_image(images.build("lean"), f"foreign-{request.node.name}", owner=FOREIGN)


@pytest.fixture
def own_ami(sandbox: Sandbox, ec2: Any, request: pytest.FixtureRequest) -> Iterator[str]:
    made = sandbox.add_image(images.build("lean"), f"own-{request.node.name}"[:128])
    yield made
    if ec2.describe_images(Filters=[{"Name": "image-id", "Values": [made]}])["Images"]:
        ec2.deregister_image(ImageId=made)


def test_the_caller_is_a_user_of_the_sandbox(sandbox: Sandbox) -> None:
    identity = client(sandbox, "sts").get_caller_identity()
    assert identity["Account"] == sandbox.account_id
    assert identity["Arn"].endswith(":user/sandbox")


def test_credentials_of_another_run_are_refused(sandbox: Sandbox) -> None:
    assert code(client(sandbox, "ec2", "AKIAIOSFODNN7EXAMPLE").describe_instances) == "AuthFailure"
    assert code(client(sandbox, "sts", "AKIAIOSFODNN7EXAMPLE").get_caller_identity) == "InvalidClientTokenId"


def test_services_and_actions_that_are_not_there_say_so(sandbox: Sandbox, ec2: Any) -> None:
    assert code(client(sandbox, "s3").list_buckets) == "UnsupportedOperation"
    assert code(client(sandbox, "iam").list_users) == "UnsupportedOperation"
    assert code(ec2.describe_import_image_tasks) == "InvalidAction"
    assume = client(sandbox, "sts").assume_role
    assert code(assume, RoleArn="arn:aws:iam::1:role/long-enough-name", RoleSessionName="me") == "InvalidAction"


def test_control_routes_of_moto_are_closed(sandbox: Sandbox, clean_ami: str, ec2: Any) -> None:
    answer = PoolManager().request("POST", f"{sandbox.endpoint}/moto-api/reset", retries=False)
    assert answer.status in {401, 403, 404}
    assert ec2.describe_images(ImageIds=[clean_ami])["Images"]


def test_a_web_page_under_another_name_gets_nothing(sandbox: Sandbox) -> None:
    request = urllib.request.Request(sandbox.endpoint, headers={"Host": "evil.example"})  # noqa: S310 - loopback
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(request)  # noqa: S310 - loopback


def test_an_image_shows_its_true_root_volume(ec2: Any, clean_ami: str, sandbox: Sandbox) -> None:
    image = ec2.describe_images(ImageIds=[clean_ami])["Images"][0]
    mapping = image["BlockDeviceMappings"][0]
    assert image["RootDeviceName"] == mapping["DeviceName"]
    assert image["OwnerId"] == sandbox.account_id
    assert (image["RootDeviceType"], image["VirtualizationType"], image["EnaSupport"]) == ("ebs", "hvm", True)
    assert mapping["Ebs"] == {
        "DeleteOnTermination": True,
        "Encrypted": False,
        "SnapshotId": mapping["Ebs"]["SnapshotId"],
        "VolumeSize": 1,
        "VolumeType": "gp3",
    }
    snapshot = ec2.describe_snapshots(SnapshotIds=[mapping["Ebs"]["SnapshotId"]])["Snapshots"][0]
    assert (snapshot["OwnerId"], snapshot["VolumeSize"], snapshot["State"]) == (sandbox.account_id, 1, "completed")


@pytest.mark.parametrize("image_id", ["ami-xyz", "ami-123", "i-0123456789abcdef0", "ami-0123456789ABCDEF0"])
def test_an_id_of_the_wrong_shape_is_malformed(ec2: Any, image_id: str) -> None:
    assert code(ec2.describe_images, ImageIds=[image_id]) == "InvalidAMIID.Malformed"
    assert code(ec2.run_instances, ImageId=image_id, MinCount=1, MaxCount=1) == "InvalidAMIID.Malformed"


def test_an_image_that_is_not_there_is_not_found(ec2: Any) -> None:
    missing = "ami-0123456789abcdef0"
    assert code(ec2.describe_images, ImageIds=[missing]) == "InvalidAMIID.NotFound"
    assert code(ec2.run_instances, ImageId=missing, MinCount=1, MaxCount=1) == "InvalidAMIID.NotFound"
    assert code(ec2.deregister_image, ImageId=missing) == "InvalidAMIID.NotFound"


def test_an_image_of_another_account_does_not_exist_until_it_is_shared(ec2: Any, foreign_ami: str) -> None:
    for call in (ec2.deregister_image, ec2.modify_image_attribute):
        assert code(call, ImageId=foreign_ami) == "InvalidAMIID.NotFound"
    assert code(ec2.run_instances, ImageId=foreign_ami, MinCount=1, MaxCount=1) == "InvalidAMIID.NotFound"
    assert foreign_ami not in {image["ImageId"] for image in ec2.describe_images()["Images"]}
    owners = {snapshot["OwnerId"] for snapshot in ec2.describe_snapshots()["Snapshots"]}
    assert FOREIGN not in owners


def test_launch_permissions_are_kept_and_taken_back(ec2: Any, own_ami: str) -> None:
    ec2.disable_image_block_public_access()
    ec2.modify_image_attribute(ImageId=own_ami, LaunchPermission={"Add": [{"UserId": "111111111111"}]})
    ec2.modify_image_attribute(ImageId=own_ami, LaunchPermission={"Add": [{"Group": "all"}]})
    kept = ec2.describe_image_attribute(ImageId=own_ami, Attribute="launchPermission")["LaunchPermissions"]
    assert kept == [{"UserId": "111111111111"}, {"Group": "all"}]
    assert ec2.describe_images(ImageIds=[own_ami])["Images"][0]["Public"] is True
    ec2.modify_image_attribute(ImageId=own_ami, LaunchPermission={"Remove": [{"Group": "all"}]})
    ec2.modify_image_attribute(ImageId=own_ami, LaunchPermission={"Remove": [{"UserId": "111111111111"}]})
    assert ec2.describe_image_attribute(ImageId=own_ami, Attribute="launchPermission")["LaunchPermissions"] == []
    ec2.enable_image_block_public_access(ImageBlockPublicAccessState="block-new-sharing")


def test_a_launch_with_a_wrong_key_group_or_count_starts_nothing(ec2: Any, clean_ami: str) -> None:
    one: dict[str, Any] = {"ImageId": clean_ami, "MinCount": 1, "MaxCount": 1}
    assert code(ec2.run_instances, **one, KeyName="nobody") == "InvalidKeyPair.NotFound"
    assert code(ec2.run_instances, **one, SecurityGroupIds=["sg-0123456789abcdef0"]) == "InvalidGroup.NotFound"
    assert code(ec2.run_instances, ImageId=clean_ami, MinCount=2, MaxCount=1) == "InvalidParameterValue"
    assert code(ec2.run_instances, **one, DryRun=True) == "DryRunOperation"
    extra = [{"DeviceName": "/dev/sdf", "Ebs": {"VolumeSize": 65}}]
    assert code(ec2.run_instances, **one, BlockDeviceMappings=extra) == "UnsupportedOperation"


def test_a_snapshot_goes_after_its_image_and_not_before(ec2: Any, own_ami: str) -> None:
    mappings = ec2.describe_images(ImageIds=[own_ami])["Images"][0]["BlockDeviceMappings"]
    snapshot = mappings[0]["Ebs"]["SnapshotId"]
    assert code(ec2.delete_snapshot, SnapshotId=snapshot) == "InvalidSnapshot.InUse"
    ec2.deregister_image(ImageId=own_ami)
    ec2.delete_snapshot(SnapshotId=snapshot)
    assert code(ec2.describe_snapshots, SnapshotIds=[snapshot]) == "InvalidSnapshot.NotFound"
    assert images.build("lean").exists()


def test_another_sandbox_in_this_process_is_refused(sandbox: Sandbox) -> None:
    with pytest.raises(SandboxError, match="already"), Sandbox():
        pass
    assert sandbox.endpoint.startswith("http://127.0.0.1:")


def test_an_image_needs_a_whole_disk_a_free_name_and_an_account(sandbox: Sandbox, tmp_path: Any) -> None:
    with pytest.raises(SandboxError, match="no disk image"):
        sandbox.add_image(tmp_path / "none.qcow2", "none")
    sandbox.add_image(images.build("lean"), "taken-name")
    with pytest.raises(UsageError, match="already"):
        sandbox.add_image(images.build("lean"), "taken-name")
    with pytest.raises(UsageError, match="account"):
        sandbox.add_image(images.build("lean"), "other", owner="me")
