"""A run that is killed with SIGKILL, in whatever phase: `reap` removes what it left, and nothing of others."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from amigate.sandbox.demo import environment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.faults.conftest import Bed

PHASES = (
    "DescribeImages",
    "CreateSecurityGroup",
    "AuthorizeSecurityGroupIngress",
    "ImportKeyPair",
    "RunInstances",
    "DescribeInstances",
    "GetConsoleOutput",
    "RebootInstances",
    "TerminateInstances",
    "DeleteSecurityGroup",
    "DeleteKeyPair",
)
"""Calls that mark the phases of a run: the kill comes as soon as the first of them is answered."""
FEW = ("CreateSecurityGroup", "RunInstances", "DescribeInstances", "TerminateInstances", "DeleteKeyPair")
PARAMETERS = [pytest.param(phase, marks=[] if phase in FEW else [pytest.mark.slow]) for phase in PHASES]


@pytest.fixture
def others(bed: Bed) -> Iterator[list[str]]:
    """Put things into the account that look like ours and are not; they must all be there afterwards."""
    group = bed.ec2.create_security_group(GroupName="amigate-like", Description="somebody else's")["GroupId"]
    tags = [{"Key": "amigate:expires", "Value": "2020-01-01T00:00:00+00:00"}, {"Key": "Name", "Value": "amigate-x"}]
    specification = [{"ResourceType": "key-pair", "Tags": tags}]
    bed.ec2.create_key_pair(KeyName="amigate-0000000000-A", TagSpecifications=specification)
    running = bed.ec2.run_instances(ImageId=bed.ami, MinCount=1, MaxCount=1, InstanceType="t3.micro")["Instances"][0]
    before = bed.left()
    yield before
    try:
        assert bed.left() == before
    finally:
        bed.ec2.terminate_instances(InstanceIds=[running["InstanceId"]])
        bed.ec2.delete_key_pair(KeyName="amigate-0000000000-A")
        bed.ec2.delete_security_group(GroupId=group)


def run_until(bed: Bed, action: str) -> None:
    """Start `amigate validate` and kill it once `action` has been answered."""
    command = [sys.executable, "-m", "amigate", "validate", bed.ami, "--user", "admin"]
    bed.sandbox.calls.clear()
    with subprocess.Popen(
        command,
        env=environment(bed.sandbox.environment()) | {"AMIGATE_SSH_PORT": str(bed.sandbox.ssh_port)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        deadline = time.monotonic() + 60
        while not bed.sandbox.calls.matching(action):
            assert process.poll() is None, f"it ended before it came to {action}"
            assert time.monotonic() < deadline
            time.sleep(0.005)
        os.killpg(process.pid, signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL


@pytest.mark.parametrize("phase", PARAMETERS)
def test_what_a_killed_run_leaves_is_reaped(bed: Bed, others: list[str], phase: str) -> None:
    run_until(bed, phase)
    early = subprocess.run(
        [sys.executable, "-m", "amigate", "reap"],
        env=environment(bed.sandbox.environment()),
        capture_output=True,
        text=True,
        check=False,
    )
    assert early.returncode == 0, early.stderr
    # Nothing has expired yet. What is left says little here: a call that was under way may still add or remove.
    assert "remove" not in early.stdout.replace("nothing to remove", "")
    bed.reap()
    assert bed.left() == others
