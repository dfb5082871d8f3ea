"""Launches of real virtual machines, and what stays of them: nothing."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from amigate.evidence.keep import Keep
from amigate.evidence.model import Launch, Outcome, Vantage, Viewpoint
from amigate.evidence.questions import Needs, ReadFile, Run
from amigate.plan import Plan
from amigate.sources.aws import Aws, connect
from amigate.sources.ec2 import describe
from amigate.sources.instance import Manner, Questions, observe
from amigate.sources.launch import open_run
from amigate.sources.reach import reach
from amigate.sources.shutdown_timer import arm_shutdown

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.conftest import CommandLine

    from amigate.sandbox import Sandbox

pytestmark = pytest.mark.vm

TWINS = Plan(launches=(Launch.A, Launch.B))
NEEDS = [Needs(first=(ReadFile("/etc/ssh/sshd_config", Keep.SSHD_CONFIG), Run("who", "id -u", Keep.NUMBERS)))]


@pytest.fixture
def aws(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Aws:
    for name, value in sandbox.environment().items():
        monkeypatch.setenv(name, value)
    return connect()


def image(aws: Aws, ami_id: str) -> Mapping[str, Any]:
    return describe(aws, ami_id)[1].image


def leftovers(aws: Aws) -> list[str]:
    """Whatever an amigate run may have forgotten."""
    reservations = aws.ec2.describe_instances()["Reservations"]
    instances = [instance for reservation in reservations for instance in reservation["Instances"]]
    groups = aws.ec2.describe_security_groups()["SecurityGroups"]
    keys = aws.ec2.describe_key_pairs()["KeyPairs"]
    ours = [key["KeyName"] for key in keys] + [group["GroupName"] for group in groups]
    return [
        *(i["InstanceId"] for i in instances if i["State"]["Name"] != "terminated"),
        *(name for name in ours if name.startswith("amigate-")),
        *(volume["VolumeId"] for volume in aws.ec2.describe_volumes()["Volumes"]),
    ]


@pytest.mark.slow
def test_two_launches_of_a_clean_image_are_logged_in_to_and_collected_from(
    sandbox: Sandbox, aws: Aws, clean_ami: str
) -> None:
    said: list[str] = []
    with open_run(aws, progress=said.append) as run:
        manner = Manner(ssh_users=["admin"], ssh_port=sandbox.ssh_port)
        seen = observe(run, image(aws, clean_ami), TWINS, Questions(needs=NEEDS), manner)
    contacts = [seen.views[Viewpoint(launch, 1, Vantage.OUTSIDE)].contact for launch in (Launch.A, Launch.B)]
    insides = [seen.views[Viewpoint(launch, 1, Vantage.INSIDE)] for launch in (Launch.A, Launch.B)]
    assert [found and found.outcome for found in contacts] == [Outcome.ACCEPTED] * 2
    assert [found and found.user for found in contacts] == ["admin"] * 2
    assert len({found and found.host_key for found in contacts}) == 2
    assert len({found and found.launch_key for found in contacts}) == 2
    assert all(found and found.host_key_on_console for found in contacts)
    assert [inside.answer("who").text for inside in insides] == ["0\n"] * 2
    assert all("usepam yes" in (inside.text("/etc/ssh/sshd_config") or "") for inside in insides)
    assert set(seen.timings) == {f"{launch} {phase}" for launch in "AB" for phase in ("launch", "login", "collect")}
    assert not seen.consoles
    assert any("logged in as admin" in text for text in said)
    assert not leftovers(aws)


@pytest.mark.slow
def test_an_image_that_nobody_can_log_in_to_is_told_with_its_console(
    sandbox: Sandbox, aws: Aws, clean_ami: str
) -> None:
    with open_run(aws) as run:
        manner = Manner(ssh_users=["nobody-of-that-name"], ssh_port=sandbox.ssh_port, timeout_s=120, key_wait_s=2)
        seen = observe(run, image(aws, clean_ami), Plan(launches=(Launch.A,)), Questions(needs=NEEDS), manner)
    outside = seen.views[Viewpoint(Launch.A, 1, Vantage.OUTSIDE)].contact
    inside = seen.views[Viewpoint(Launch.A, 1, Vantage.INSIDE)]
    assert outside
    assert outside.outcome is Outcome.DENIED
    assert outside.host_key.startswith("SHA256:")
    assert "refuses the launch key" in inside.broken
    assert "SSH HOST KEY" in seen.consoles["A"]
    assert not leftovers(aws)


CHILD = """
import sys
from amigate.evidence.model import Launch
from amigate.plan import Plan
from amigate.sources.aws import connect
from amigate.sources.ec2 import describe
from amigate.sources.instance import Manner, Questions, observe
from amigate.sources.launch import open_run

aws = connect()
image = describe(aws, sys.argv[1])[1].image
with open_run(aws, progress=lambda text: print(text, flush=True)) as run:
    manner = Manner(ssh_users=["admin"], ssh_port=int(sys.argv[2]))
    observe(run, image, Plan(launches=(Launch.A, Launch.B)), Questions(needs=[]), manner)
"""


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_nothing_stays_when_the_run_is_ended_during_boot(
    sandbox: Sandbox, aws: Aws, clean_ami: str, number: signal.Signals
) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, clean_ami, str(sandbox.ssh_port)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with child:
        assert child.stdout
        while "launched" not in child.stdout.readline():
            assert child.poll() is None
        assert leftovers(aws)
        child.send_signal(number)
        child.send_signal(number)
        _, errors = child.communicate(timeout=30)
    assert errors.rstrip().endswith("KeyboardInterrupt")
    assert child.returncode != 0
    assert not leftovers(aws)


@pytest.mark.slow
def test_what_a_killed_run_leaves_is_reaped_and_nothing_else(
    sandbox: Sandbox, aws: Aws, cli: CommandLine, clean_ami: str
) -> None:
    aws.ec2.create_key_pair(KeyName="amigate-theirs")
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, clean_ami, str(sandbox.ssh_port)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        text=True,
    )
    with child:
        assert child.stdout
        for _ in Launch.A, Launch.B:
            while "launched" not in child.stdout.readline():
                assert child.poll() is None
        child.send_signal(signal.SIGKILL)
    runs = {tag["Value"] for tag in tags(aws) if tag["Key"] == "amigate:run"}
    assert len(runs) == 1
    assert cli("reap").stdout.endswith("nothing to remove\n")
    assert len(leftovers(aws)) >= 5
    done = cli("reap", "--run", *runs)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(": removed instance i-") == 2
    assert leftovers(aws) == ["amigate-theirs"]
    aws.ec2.delete_key_pair(KeyName="amigate-theirs")


def tags(aws: Aws) -> list[Any]:
    """Return the tags of all that is not terminated."""
    reservations = aws.ec2.describe_instances()["Reservations"]
    found = [i for r in reservations for i in r["Instances"] if i["State"]["Name"] != "terminated"]
    return [tag for instance in found for tag in instance.get("Tags", [])]


@pytest.mark.slow
def test_the_timer_of_a_test_instance_takes_its_power_and_terminates_it(
    sandbox: Sandbox, aws: Aws, clean_ami: str
) -> None:
    with open_run(aws) as run:
        machine = run.launch(image(aws, clean_ami), "A")
        contact, connection = reach(run, machine, users=["admin"], port=sandbox.ssh_port, timeout_s=120)
        assert connection is not None, contact.detail
        assert arm_shutdown(connection, 1) is None
        connection.close()
        until = time.monotonic() + 180
        while not machine.look().is_gone:
            assert time.monotonic() < until
            time.sleep(0.5)
        assert run.logins == {machine.instance_id: "admin"}
    assert not leftovers(aws)


@pytest.mark.slow
def test_an_instance_that_is_kept_can_be_logged_in_to_as_it_says_and_is_reaped_by_name(
    sandbox: Sandbox, aws: Aws, cli: CommandLine, clean_ami: str, tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "amigate", "validate", clean_ami, "--keep", "--quiet"],
        env=cli.environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert "VERDICT PASS" in done.stdout
    [login, *_] = re.findall(r"  (ssh -i .*)", done.stderr)
    options = ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "BatchMode=yes"]
    inside = subprocess.run(
        [*shlex.split(login), *options, "id -un"], capture_output=True, text=True, timeout=60, check=True
    )
    assert inside.stdout == "admin\n"
    [run_id] = re.findall(r"amigate reap --run ([0-9a-f]+)", done.stderr)
    assert len(leftovers(aws)) >= 5
    assert cli("reap", "--run", run_id).returncode == 0
    assert not leftovers(aws)
