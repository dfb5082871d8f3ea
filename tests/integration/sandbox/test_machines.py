"""One lean machine from launch to the end, and an image of it: a real kernel, a real sshd."""

from __future__ import annotations

import io
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import paramiko
import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from amigate.sandbox import Sandbox

pytestmark = pytest.mark.vm

BOOT_TIMEOUT_S = 120
FAST = {"Delay": 1, "MaxAttempts": 90}
IMDS = """
ask() {
  exec 3<>/dev/tcp/169.254.169.254/80
  printf '%s %s HTTP/1.0\\r\\n%s\\r\\n\\r\\n' "$1" "$2" "$3" >&3
  cat <&3
}
"""


@dataclass(frozen=True)
class Running:
    """An instance, and the key that it was launched with."""

    instance_id: str
    address: str
    port: int
    key: paramiko.PKey

    def connect(self) -> paramiko.SSHClient:
        """Log in, as soon as the guest lets us."""
        client = paramiko.SSHClient()
        client.set_missing_host_key_policy(paramiko.AutoAddPolicy())  # noqa: S507 - compared with the console below
        deadline = time.monotonic() + BOOT_TIMEOUT_S
        while True:
            try:
                client.connect(
                    self.address, self.port, "admin", pkey=self.key, look_for_keys=False, allow_agent=False, timeout=5
                )
            except (OSError, EOFError, paramiko.SSHException):
                client.close()
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.3)
            else:
                return client

    def run(self, command: str) -> str:
        """Return what a command prints."""
        with self.connect() as client:
            return client.exec_command(command)[1].read().decode()


@pytest.fixture(scope="module")
def launch(sandbox: Sandbox, ec2: Any) -> Iterator[Callable[..., Running]]:
    """Launch one instance with a key of its own; all are terminated in the end."""
    key, material = _key()
    ec2.import_key_pair(KeyName="machines", PublicKeyMaterial=material)
    started = []

    def one(image_id: str, **more: Any) -> Running:
        made = ec2.run_instances(ImageId=image_id, MinCount=1, MaxCount=1, KeyName="machines", **more)["Instances"][0]
        started.append(made["InstanceId"])
        ec2.get_waiter("instance_running").wait(InstanceIds=[made["InstanceId"]], WaiterConfig=FAST)
        now = _describe(ec2, made["InstanceId"])
        return Running(made["InstanceId"], now["PublicIpAddress"], sandbox.ssh_port, key)

    yield one
    ec2.terminate_instances(InstanceIds=started)
    ec2.get_waiter("instance_terminated").wait(InstanceIds=started, WaiterConfig=FAST)
    ec2.delete_key_pair(KeyName="machines")


@pytest.fixture(scope="module")
def running(launch: Callable[..., Running], clean_ami: str) -> Running:
    tags = [{"ResourceType": "instance", "Tags": [{"Key": "run", "Value": "one"}]}]
    made = launch(clean_ami, TagSpecifications=tags, ClientToken="only-once", UserData="#!/bin/false")
    made.run("true")
    return made


def _key() -> tuple[paramiko.PKey, bytes]:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat  # noqa: PLC0415

    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()
    key = paramiko.Ed25519Key.from_private_key(io.StringIO(pem))
    return key, f"{key.get_name()} {key.get_base64()} test".encode()


def _describe(ec2: Any, instance_id: str) -> dict[str, Any]:
    found: dict[str, Any] = ec2.describe_instances(InstanceIds=[instance_id])["Reservations"][0]["Instances"][0]
    return found


def _console(ec2: Any, instance_id: str) -> str:
    return str(ec2.get_console_output(InstanceId=instance_id)["Output"])


def _until(condition: Callable[[], bool], timeout_s: float = 60) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_the_launch_key_logs_in_and_may_become_root(running: Running) -> None:
    assert running.run("id -un; sudo -n id -un").split() == ["admin", "root"]


def test_the_image_lets_nobody_in_with_a_password(running: Running) -> None:
    settings = running.run("sudo -n sshd -T").splitlines()
    for wanted in ("permitrootlogin no", "passwordauthentication no", "kbdinteractiveauthentication no", "usedns no"):
        assert wanted in settings
    fields = [line.split(":")[1] for line in running.run("sudo -n cat /etc/shadow").splitlines()]
    assert set(fields) <= {"*", "!"}


def test_the_console_shows_the_boot_and_the_host_keys_that_sshd_presents(running: Running, ec2: Any) -> None:
    _until(lambda: "login: " in _console(ec2, running.instance_id))
    console = _console(ec2, running.instance_id)
    assert "Linux version" in console
    begin, end = "-----BEGIN SSH HOST KEY KEYS-----", "-----END SSH HOST KEY KEYS-----"
    listed = [line.split()[:2] for line in console.partition(begin)[2].partition(end)[0].strip().splitlines()]
    with running.connect() as client:
        transport = client.get_transport()
        assert transport is not None
        presented = transport.get_remote_server_key()
    assert [presented.get_name(), presented.get_base64()] in listed


def test_the_guest_reads_its_own_metadata_with_a_token_only(running: Running) -> None:
    script = f"""{IMDS}
    ask GET /latest/meta-data/instance-id x:y | head -1
    token=$(ask PUT /latest/api/token 'X-aws-ec2-metadata-token-ttl-seconds: 60' | tail -1)
    ask GET /latest/meta-data/instance-id "X-aws-ec2-metadata-token: $token" | tail -1
    echo
    ask GET /latest/user-data "X-aws-ec2-metadata-token: $token" | tail -1"""
    answers = running.run(script).split("\n")
    assert answers[-2:] == [running.instance_id, "#!/bin/false"]


def test_the_guest_reaches_nothing_else(running: Running) -> None:
    probe = "timeout 3 bash -c 'exec 3<>/dev/tcp/{}' 2>/dev/null && echo open || echo closed"
    assert running.run(probe.format("172.31.255.254/22")).strip() == "closed"
    assert running.run(probe.format("1.1.1.1/443")).strip() == "closed"


def test_qemu_runs_unprivileged_in_its_own_sandbox(running: Running) -> None:
    status = {}
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if f"-name\0{running.instance_id}\0".encode() in (path / "cmdline").read_bytes():
                lines = (path / "status").read_text().splitlines()
                status = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
        except OSError:
            continue
    assert "0" not in status["Uid"].split() + status["Gid"].split() + status["Groups"].split()
    assert (int(status["CapEff"], 16), status["Seccomp"], status["NoNewPrivs"]) == (0, "2", "1")


def test_the_same_client_token_launches_nothing_new(running: Running, ec2: Any, clean_ami: str) -> None:
    tags = [{"ResourceType": "instance", "Tags": [{"Key": "run", "Value": "one"}]}]
    call: dict[str, Any] = {"ImageId": clean_ami, "MinCount": 1, "MaxCount": 1, "KeyName": "machines"}
    again = ec2.run_instances(**call, TagSpecifications=tags, ClientToken="only-once", UserData="#!/bin/false")
    assert [one["InstanceId"] for one in again["Instances"]] == [running.instance_id]
    with pytest.raises(ClientError, match="IdempotentParameterMismatch"):
        ec2.run_instances(**call, ClientToken="only-once", UserData="other")


def test_tags_and_status_checks_are_told(running: Running, ec2: Any) -> None:
    assert _describe(ec2, running.instance_id)["Tags"] == [{"Key": "run", "Value": "one"}]
    _until(lambda: "login: " in _console(ec2, running.instance_id))
    status = ec2.describe_instance_status(InstanceIds=[running.instance_id])["InstanceStatuses"][0]
    assert (status["InstanceStatus"]["Status"], status["SystemStatus"]["Status"]) == ("ok", "ok")


def test_a_security_group_stays_while_an_instance_has_it(running: Running, ec2: Any) -> None:
    group = _describe(ec2, running.instance_id)["SecurityGroups"][0]["GroupId"]
    with pytest.raises(ClientError, match="DependencyViolation"):
        ec2.delete_security_group(GroupId=group)


@pytest.mark.slow
def test_an_image_of_a_running_instance_is_made_while_it_reboots(running: Running, ec2: Any) -> None:
    before = _console(ec2, running.instance_id).count("Linux version")
    image_id = ec2.create_image(InstanceId=running.instance_id, Name="rebooted")["ImageId"]
    assert ec2.describe_images(ImageIds=[image_id])["Images"][0]["State"] == "pending"
    ec2.get_waiter("image_available").wait(ImageIds=[image_id], WaiterConfig=FAST)
    assert _describe(ec2, running.instance_id)["State"]["Name"] == "running"
    _until(lambda: _console(ec2, running.instance_id).count("Linux version") == before + 1)
    ec2.deregister_image(ImageId=image_id, DeleteAssociatedSnapshots=True)


def test_an_image_of_a_stopped_instance_boots_and_its_guest_ends_itself(
    running: Running, launch: Callable[..., Running], ec2: Any
) -> None:
    running.run("echo kept | sudo -n tee /kept")
    ec2.stop_instances(InstanceIds=[running.instance_id])
    ec2.get_waiter("instance_stopped").wait(InstanceIds=[running.instance_id], WaiterConfig=FAST)
    assert "file system is clean" in _console(ec2, running.instance_id)
    child_ami = ec2.create_image(InstanceId=running.instance_id, Name="child")["ImageId"]
    ec2.get_waiter("image_available").wait(ImageIds=[child_ami], WaiterConfig=FAST)
    with pytest.raises(ClientError, match=r"InvalidAMIName\.Duplicate"):
        ec2.create_image(InstanceId=running.instance_id, Name="child")
    described = ec2.describe_images(ImageIds=[child_ami])["Images"][0]
    assert described["BlockDeviceMappings"][0]["Ebs"]["VolumeSize"] == 1
    assert described["SourceInstanceId"] == running.instance_id

    ec2.terminate_instances(InstanceIds=[running.instance_id])
    child = launch(child_ami, InstanceInitiatedShutdownBehavior="terminate")
    assert child.run("cat /kept").strip() == "kept"
    assert child.run("sudo -n poweroff") == ""
    ec2.get_waiter("instance_terminated").wait(InstanceIds=[child.instance_id], WaiterConfig=FAST)
    reason = _describe(ec2, child.instance_id)["StateReason"]["Code"]
    assert reason == "Client.InstanceInitiatedShutdown"
    for gone in (running, child):
        _assert_nothing_left(gone)
    ec2.deregister_image(ImageId=child_ami, DeleteAssociatedSnapshots=True)


def _assert_nothing_left(gone: Running) -> None:
    """No process names the instance, its port is closed, its folder is gone."""
    with pytest.raises(OSError, match="refused"):
        socket.create_connection((gone.address, gone.port), 1).close()
    lines = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            lines.append(path.read_bytes())
        except OSError:
            continue
    assert not [line for line in lines if gone.instance_id.encode() in line]
    assert not list(Path("/tmp").glob(f"amigate-sandbox-*/{gone.instance_id}"))
