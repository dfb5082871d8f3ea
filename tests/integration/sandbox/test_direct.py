"""EBS direct against the disk of a real image, and faults against the sandbox as a whole.

Marked vm, because it needs the lean image, which takes a minute to build; no machine is started."""

from __future__ import annotations

import subprocess
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError

from amigate.sandbox import Error, Fault, Sandbox, images

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.vm

BLOCK = 524_288


@pytest.fixture
def ebs(sandbox: Sandbox) -> Any:
    return boto3.client(
        "ebs",
        endpoint_url=sandbox.endpoint,
        region_name=sandbox.region,
        aws_access_key_id=sandbox.access_key_id,
        aws_secret_access_key=sandbox.secret_access_key,
    )


def test_an_images_snapshot_read_block_by_block_is_its_disk(ebs: Any, ec2: Any, clean_ami: str, tmp_path: Path) -> None:
    described = ec2.describe_images(ImageIds=[clean_ami])["Images"][0]
    snapshot = described["BlockDeviceMappings"][0]["Ebs"]["SnapshotId"]
    page = ebs.list_snapshot_blocks(SnapshotId=snapshot, MaxResults=100)
    blocks: list[dict[str, Any]] = page["Blocks"]
    while "NextToken" in page:
        page = ebs.list_snapshot_blocks(SnapshotId=snapshot, MaxResults=100, NextToken=page["NextToken"])
        blocks += page["Blocks"]

    def read(block: dict[str, Any]) -> tuple[int, bytes]:
        got = ebs.get_snapshot_block(SnapshotId=snapshot, **block)
        return block["BlockIndex"], got["BlockData"].read()

    rebuilt = tmp_path / "rebuilt.raw"
    with rebuilt.open("wb") as file, ThreadPoolExecutor(8) as pool:
        for index, data in pool.map(read, blocks):
            file.seek(index * BLOCK)
            file.write(data)
        file.truncate(page["VolumeSize"] << 30)
    compare = ["qemu-img", "compare", "-f", "raw", "-F", "qcow2", str(rebuilt), str(images.build("lean"))]
    done = subprocess.run(compare, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_launch_is_refused_where_there_is_no_capacity_and_nothing_is_left(
    sandbox: Sandbox, ec2: Any, account: Any, clean_ami: str
) -> None:
    before = account.left()
    launch = {"ImageId": clean_ami, "MinCount": 1, "MaxCount": 1, "InstanceType": "t3.micro"}
    with sandbox.faults.add(Fault.no_capacity(instance_types=("t3.micro",))), pytest.raises(ClientError) as refused:
        ec2.run_instances(**launch)
    assert refused.value.response["Error"]["Code"] == "InsufficientInstanceCapacity"
    with sandbox.faults.add(Fault("RunInstances", times=None, error=Error("Unsupported"))), pytest.raises(ClientError):
        ec2.run_instances(**launch)
    codes = {call.code for call in sandbox.calls.matching("RunInstances")}
    assert codes >= {"InsufficientInstanceCapacity", "Unsupported"}
    assert account.left() == before
