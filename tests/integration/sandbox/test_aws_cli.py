"""AWS's own command line drives the sandbox, from launch to block public access."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from amigate.sandbox import Sandbox

pytestmark = [pytest.mark.vm, pytest.mark.slow]

FRIEND = "111111111111"


class Refused(Exception):  # noqa: N818 - what the command line says, not an error of these tests
    """What the command line printed when EC2 refused."""


@pytest.fixture
def aws(sandbox: Sandbox) -> Callable[..., Any]:
    """Return what runs one `aws ec2` command and reads its answer."""
    own = {"HOME": "/nonexistent", "PATH": os.environ["PATH"], "AWS_PAGER": ""}
    environment = own | sandbox.environment()

    def run(*arguments: str) -> Any:
        command = [sys.executable, "-m", "awscli", "ec2", *arguments, "--output", "json"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise Refused(done.stderr)
        return json.loads(done.stdout or "null")

    return run


@pytest.fixture
def instance(aws: Callable[..., Any], clean_ami: str) -> Iterator[str]:
    made = aws("run-instances", "--image-id", clean_ami, "--instance-type", "t3.micro")["Instances"][0]["InstanceId"]
    aws("wait", "instance-running", "--instance-ids", made)
    yield made
    aws("terminate-instances", "--instance-ids", made)
    aws("wait", "instance-terminated", "--instance-ids", made)


def test_instances_live_and_become_images(aws: Callable[..., Any], instance: str) -> None:
    described = aws("describe-instances", "--instance-ids", instance)["Reservations"][0]["Instances"][0]
    assert described["State"]["Name"] == "running"
    aws("wait", "instance-status-ok", "--instance-ids", instance)
    assert "Linux version" in aws("get-console-output", "--instance-id", instance, "--latest")["Output"]
    aws("reboot-instances", "--instance-ids", instance)
    aws("stop-instances", "--instance-ids", instance)
    aws("wait", "instance-stopped", "--instance-ids", instance)
    made = aws("create-image", "--instance-id", instance, "--name", "by the cli")["ImageId"]
    aws("wait", "image-available", "--image-ids", made)
    aws("start-instances", "--instance-ids", instance)
    aws("wait", "instance-running", "--instance-ids", instance)
    aws("deregister-image", "--image-id", made, "--delete-associated-snapshots")


def test_images_are_registered_copied_shared_and_kept_private(aws: Callable[..., Any], clean_ami: str) -> None:
    image = aws("describe-images", "--image-ids", clean_ami)["Images"][0]
    snapshot = image["BlockDeviceMappings"][0]["Ebs"]["SnapshotId"]
    mapping = json.dumps([{"DeviceName": "/dev/sda1", "Ebs": {"SnapshotId": snapshot}}])
    traits = ("--architecture", "x86_64", "--virtualization-type", "hvm", "--ena-support")
    root = ("--root-device-name", "/dev/sda1", "--block-device-mappings", mapping)
    registered = aws("register-image", "--name", "registered by the cli", *traits, *root)["ImageId"]
    source = ("--source-image-id", registered, "--source-region", "us-east-1")
    copy = aws("copy-image", "--name", "copied by the cli", *source)["ImageId"]

    def share(permission: str) -> None:
        aws("modify-image-attribute", "--image-id", copy, "--launch-permission", permission)

    share(f"Add=[{{UserId={FRIEND}}}]")
    asked = ("describe-image-attribute", "--image-id", copy, "--attribute", "launchPermission")
    assert aws(*asked)["LaunchPermissions"] == [{"UserId": FRIEND}]
    with pytest.raises(Refused, match="OperationNotPermitted"):
        share("Add=[{Group=all}]")
    aws("disable-image-block-public-access")
    share("Add=[{Group=all}]")
    assert aws("describe-images", "--image-ids", copy)["Images"][0]["Public"] is True
    aws("enable-image-block-public-access", "--image-block-public-access-state", "block-new-sharing")
    assert aws("get-image-block-public-access-state")["ImageBlockPublicAccessState"] == "block-new-sharing"
    aws("reset-image-attribute", "--image-id", copy, "--attribute", "launchPermission")
    for made in (registered, copy):
        aws("deregister-image", "--image-id", made)
