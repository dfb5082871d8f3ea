"""How a sandbox ends, asked politely or killed: in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.vm


class Up:
    """`amigate sandbox up`, with one instance that boots."""

    def __init__(self, folder: Path) -> None:
        environment = {**os.environ, "TMPDIR": str(folder), "PYTHONUNBUFFERED": "1"}
        self.folder = folder
        self.process = subprocess.Popen(
            [sys.executable, "-m", "amigate", "sandbox", "up", "--image", "lean"],
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.banner = self._read_banner()
        self.exports = dict(
            line.removeprefix("export ").split("=", 1) for line in self.banner if line.startswith("export ")
        )

    def launch(self) -> str:
        ec2: Any = boto3.client(
            "ec2",
            endpoint_url=self.exports["AWS_ENDPOINT_URL"],
            region_name=self.exports["AWS_REGION"],
            aws_access_key_id=self.exports["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.exports["AWS_SECRET_ACCESS_KEY"],
        )
        ami = ec2.describe_images()["Images"][0]["ImageId"]
        made = str(ec2.run_instances(ImageId=ami, MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"])
        ec2.get_waiter("instance_running").wait(InstanceIds=[made], WaiterConfig={"Delay": 1, "MaxAttempts": 30})
        return made

    def end(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        return self.process.wait(30)

    def _read_banner(self) -> list[str]:
        assert self.process.stdout is not None
        lines: list[str] = []
        while not any("Ctrl-C" in line for line in lines):
            line = self.process.stdout.readline()
            assert line, lines
            lines.append(line.rstrip("\n"))
        return lines


@pytest.fixture
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    folder = tmp_path_factory.mktemp("s")
    one = Up(folder)
    yield one
    one.process.kill()
    one.process.wait()
    if one.process.stdout is not None:
        one.process.stdout.close()


def qemus_of(instance_id: str) -> list[str]:
    """Return the processes that name the instance."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if instance_id.encode() in path.read_bytes():
                found.append(path.parent.name)
        except OSError:
            continue
    return found


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_sandbox_that_is_asked_to_end_leaves_nothing(up: Up, number: signal.Signals) -> None:
    instance = up.launch()
    assert qemus_of(instance)
    assert up.end(number) == 0
    assert not qemus_of(instance)
    assert list(up.folder.iterdir()) == []


def test_machines_die_with_a_sandbox_that_is_killed(up: Up) -> None:
    instance = up.launch()
    assert qemus_of(instance)
    assert up.end(signal.SIGKILL) == -signal.SIGKILL
    _until(lambda: not qemus_of(instance))


def test_the_banner_says_sandbox_and_exports_everything_a_client_needs(up: Up) -> None:
    assert any("SANDBOX" in line for line in up.banner)
    assert up.exports.keys() == {
        "AWS_ENDPOINT_URL",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_DEFAULT_REGION",
        "AWS_REGION",
        "AMIGATE_SSH_PORT",
    }
    script = 'import json, os; print(json.dumps(os.environ["AWS_SECRET_ACCESS_KEY"]))'
    shell = "\n".join(line for line in up.banner if line.startswith("export "))
    done = subprocess.run(
        ["sh", "-c", f"{shell}\n{sys.executable} -c '{script}'"], check=True, capture_output=True, text=True
    )
    assert json.loads(done.stdout) == up.exports["AWS_SECRET_ACCESS_KEY"].strip("'")
