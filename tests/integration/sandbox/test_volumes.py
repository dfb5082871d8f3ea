"""Further volumes inside a guest, pictures of a guest that runs, and a registered and copied image that boots."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from . import test_machines

if TYPE_CHECKING:
    from collections.abc import Callable

    from amigate.sandbox import Sandbox

    from .test_machines import Running

pytestmark = pytest.mark.vm

FAST = test_machines.FAST
launch = test_machines.launch
MARK = b"written by the guest"


def _root_snapshot(ec2: Any, image_id: str) -> str:
    found = ec2.describe_images(ImageIds=[image_id])["Images"][0]["BlockDeviceMappings"][0]["Ebs"]["SnapshotId"]
    return str(found)


def _holds_mark(sandbox: Sandbox, known_id: str) -> bool:
    """Whether the file behind a snapshot or volume has what the guest wrote; qcow2 keeps it as it is."""
    assert sandbox._cloud is not None
    return MARK in sandbox._cloud.store.disk(known_id).read_bytes()


@pytest.mark.slow
def test_a_data_volume_is_a_drive_of_the_guest_and_outlives_it(
    sandbox: Sandbox, launch: Callable[..., Running], ec2: Any, clean_ami: str
) -> None:
    extra = [{"DeviceName": "/dev/sdf", "Ebs": {"VolumeSize": 2, "DeleteOnTermination": False}}]
    running = launch(clean_ami, BlockDeviceMappings=extra)
    described = test_machines._describe(ec2, running.instance_id)["BlockDeviceMappings"]
    volume = next(one["Ebs"]["VolumeId"] for one in described if one["DeviceName"] == "/dev/sdf")
    seen = running.run("cat /sys/block/nvme1n1/size /sys/class/nvme/nvme1/serial").split()
    assert seen == [str((2 << 30) // 512), volume.replace("-", "")]
    running.run(f"echo '{MARK.decode()}' | sudo -n dd of=/dev/nvme1n1 conv=fsync 2>/dev/null")
    snapshot = ec2.create_snapshot(VolumeId=volume)["SnapshotId"]
    assert _holds_mark(sandbox, snapshot)
    image_id = ec2.create_image(InstanceId=running.instance_id, Name="still", NoReboot=True)["ImageId"]
    assert ec2.describe_images(ImageIds=[image_id])["Images"][0]["State"] == "available"
    assert running.run("cat /proc/uptime")
    ec2.modify_instance_metadata_options(InstanceId=running.instance_id, HttpEndpoint="disabled")
    asked = f"{test_machines.IMDS}\nask GET /latest/meta-data/ x:y | head -1"
    assert "403" in running.run(asked)
    ec2.terminate_instances(InstanceIds=[running.instance_id])
    ec2.get_waiter("volume_available").wait(VolumeIds=[volume], WaiterConfig=FAST)
    assert _holds_mark(sandbox, volume)
    ec2.delete_volume(VolumeId=volume)
    ec2.deregister_image(ImageId=image_id, DeleteAssociatedSnapshots=True)
    ec2.delete_snapshot(SnapshotId=snapshot)


def test_a_copy_of_a_registered_image_boots_and_lets_the_launch_key_in(
    launch: Callable[..., Running], ec2: Any, clean_ami: str
) -> None:
    root = {"DeviceName": "/dev/sda1", "Ebs": {"SnapshotId": _root_snapshot(ec2, clean_ami), "VolumeSize": 2}}
    registered = ec2.register_image(
        Name="registered",
        Architecture="x86_64",
        VirtualizationType="hvm",
        EnaSupport=True,
        RootDeviceName="/dev/sda1",
        BlockDeviceMappings=[root],
    )["ImageId"]
    copy = ec2.copy_image(Name="copied", SourceImageId=registered, SourceRegion="us-east-1")["ImageId"]
    ec2.deregister_image(ImageId=registered)
    running = launch(copy, InstanceType="t3.micro")
    assert running.run("id -un; cat /sys/block/nvme0n1/size").split() == ["admin", str((2 << 30) // 512)]
    ec2.deregister_image(ImageId=copy, DeleteAssociatedSnapshots=True)
