"""A sandbox whose machines are containers, and what a run leaves in its account."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from amigate.live import Options
from amigate.profile import load
from amigate.run import validate
from amigate.sandbox import Sandbox, cloud
from amigate.sandbox.demo import client
from amigate.sources.aws import connect
from amigate.sources.reaping import find, remove, sort

if TYPE_CHECKING:
    from collections.abc import Iterator

    from amigate.result import Report
    from amigate.sources.aws import Aws

# Test folders are no packages: this one's own module is loaded by its path.
_spec = importlib.util.spec_from_file_location("amigate_test_container", Path(__file__).with_name("container.py"))
assert _spec
assert _spec.loader
container = importlib.util.module_from_spec(_spec)
sys.modules[_spec.name] = container
_spec.loader.exec_module(container)


@dataclass(frozen=True)
class Bed:
    """A sandbox with one sound image, the account that amigate uses, and its EC2 as a plain client."""

    sandbox: Sandbox
    ami: str
    aws: Aws
    ec2: Any
    machine: Any
    """The class of the machines: `extra` and `defects` spoil those that are launched from now on."""

    def validate(self, profile: str = "first-gate", /, **options: Any) -> Report:
        """Judge the image as `amigate validate` does, under a profile by name or path."""
        chosen: dict[str, Any] = {"ssh_port": self.sandbox.ssh_port, "ssh_users": ["admin"], "timeout_s": 20} | options
        return validate(self.aws, self.ami, load(profile), options=Options(**chosen))

    def reap(self) -> tuple[str, ...]:
        """Remove what runs have left as if it had expired; return what that was."""
        due = sort(find(self.aws), now=datetime.now(UTC) + timedelta(days=365)).due
        return remove(self.aws, due, say=lambda _: None, pause_s=0.05).removed

    def left(self) -> list[str]:
        """Return what is in the account and was not there when it was new."""
        reservations = self.ec2.describe_instances()["Reservations"]
        instances = [i for r in reservations for i in r["Instances"] if i["State"]["Name"] != "terminated"]
        groups = self.ec2.describe_security_groups()["SecurityGroups"]
        return [
            *(instance["InstanceId"] for instance in instances),
            *(key["KeyName"] for key in self.ec2.describe_key_pairs()["KeyPairs"]),
            *(group["GroupName"] for group in groups if group["GroupName"] != "default"),
            *(volume["VolumeId"] for volume in self.ec2.describe_volumes()["Volumes"]),
        ]


@pytest.fixture(scope="module")
def _bed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bed]:
    if os.geteuid() != 0:
        pytest.skip("needs root, for namespaces that stand in for machines")
    disk = tmp_path_factory.mktemp("disk") / "blank.qcow2"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", str(disk), "1G"], check=True)
    container.tree()
    with pytest.MonkeyPatch.context() as patch, Sandbox() as sandbox:
        patch.setattr(cloud, "Machine", container.Container)
        for name, value in sandbox.environment().items():
            patch.setenv(name, value)
        ami = sandbox.add_image(disk, name="sound")
        yield Bed(sandbox=sandbox, ami=ami, aws=connect(), ec2=client(sandbox), machine=container.Container)


@pytest.fixture
def bed(_bed: Bed, monkeypatch: pytest.MonkeyPatch) -> Bed:
    """Return the sandbox, with nothing wrong in it."""
    monkeypatch.setattr(container.Container, "extra", "")
    monkeypatch.setattr(container.Container, "defects", ())
    _bed.sandbox.faults.clear()
    _bed.sandbox.calls.clear()
    return _bed
