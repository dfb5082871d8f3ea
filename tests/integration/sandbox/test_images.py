"""The images beside lean, and one of the user's own: from launch to login, and what first boot left."""

from __future__ import annotations

import io
import json
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import paramiko
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from amigate.sandbox import images
from amigate.sandbox.images import importing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from amigate.sandbox import Sandbox

pytestmark = pytest.mark.vm

LOGIN_TIMEOUT_S = 240
FAST = {"Delay": 1, "MaxAttempts": 90}


@dataclass(frozen=True)
class Guest:
    """An instance that lets us in."""

    instance_id: str
    client: paramiko.SSHClient

    def run(self, command: str) -> str:
        """Return what a command prints."""
        return self.client.exec_command(command)[1].read().decode()


@pytest.fixture
def boot(sandbox: Sandbox, ec2: Any) -> Iterator[Callable[[str], Guest]]:
    """Return what launches an image by name, IMDSv2 required, and logs in."""
    started: list[Guest] = []

    def one(name: str) -> Guest:
        choice = images.parse(name)
        disk = images.build(choice.image, defects=choice.defects)
        ami = sandbox.add_image(disk, f"booted {name}", memory_mib=choice.memory_mib)
        launch = {"ImageId": ami, "MinCount": 1, "MaxCount": 1, "KeyName": "images"}
        made = ec2.run_instances(**launch, MetadataOptions={"HttpTokens": "required"})["Instances"][0]["InstanceId"]
        ec2.get_waiter("instance_running").wait(InstanceIds=[made], WaiterConfig=FAST)
        address = ec2.describe_instances(InstanceIds=[made])["Reservations"][0]["Instances"][0]["PublicIpAddress"]
        started.append(Guest(made, _login(address, sandbox.ssh_port, key)))
        return started[-1]

    key = _key()
    ec2.import_key_pair(KeyName="images", PublicKeyMaterial=f"{key.get_name()} {key.get_base64()} test".encode())
    yield one
    for guest in started:
        guest.client.close()
    if ids := [guest.instance_id for guest in started]:
        ec2.terminate_instances(InstanceIds=ids)
        ec2.get_waiter("instance_terminated").wait(InstanceIds=ids, WaiterConfig=FAST)
    ec2.delete_key_pair(KeyName="images")


def _key() -> paramiko.PKey:
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()
    return paramiko.Ed25519Key.from_private_key(io.StringIO(pem))


def _login(address: str, port: int, key: paramiko.PKey) -> paramiko.SSHClient:
    """Log in as soon as the guest lets us."""
    deadline = time.monotonic() + LOGIN_TIMEOUT_S
    while True:
        client = paramiko.SSHClient()
        client.set_missing_host_key_policy(paramiko.AutoAddPolicy())  # noqa: S507 - compared with the console below
        try:
            client.connect(address, port, "admin", pkey=key, look_for_keys=False, allow_agent=False, timeout=5)
        except (OSError, EOFError, paramiko.SSHException):
            client.close()
            if time.monotonic() > deadline:
                raise
            time.sleep(0.3)
        else:
            return client


def _assert_sound(guest: Guest, ec2: Any) -> None:
    """Require that the login becomes root, no password works, and the console tells the host key presented."""
    assert guest.run("id -un; sudo -n id -un").split() == ["admin", "root"]
    settings = guest.run("sudo -n sshd -T").splitlines()
    for wanted in ("permitrootlogin no", "passwordauthentication no", "kbdinteractiveauthentication no", "usedns no"):
        assert wanted in settings
    transport = guest.client.get_transport()
    assert transport is not None
    presented = transport.get_remote_server_key()
    console = str(ec2.get_console_output(InstanceId=guest.instance_id)["Output"])
    block = console.partition("-----BEGIN SSH HOST KEY KEYS-----")[2].partition("-----END SSH HOST KEY KEYS-----")[0]
    assert [presented.get_name(), presented.get_base64()] in [line.split()[:2] for line in block.strip().splitlines()]


@pytest.mark.slow
def test_the_systemd_image_boots_with_no_failed_unit_and_powers_off_by_its_button(
    boot: Callable[[str], Guest], ec2: Any
) -> None:
    guest = boot("systemd")
    assert guest.run("systemctl is-system-running --wait").strip() == "running"
    assert guest.run("cat /proc/1/comm").strip() == "systemd"
    _assert_sound(guest, ec2)
    ec2.stop_instances(InstanceIds=[guest.instance_id])
    ec2.get_waiter("instance_stopped").wait(InstanceIds=[guest.instance_id], WaiterConfig=FAST)
    assert "Power down" in str(ec2.get_console_output(InstanceId=guest.instance_id)["Output"])


@pytest.mark.slow
def test_an_imported_raw_image_boots(
    boot: Callable[[str], Guest], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = tmp_path / "lean.raw"
    convert = ["qemu-img", "convert", "-f", "qcow2", "-O", "raw", str(images.build("lean")), str(raw)]
    subprocess.run(convert, check=True)
    monkeypatch.setenv("AMIGATE_CACHE", str(tmp_path / "cache"))
    importing.take(raw, image_format=importing.Format.RAW, name="mine", memory_mib=320)
    guest = boot("mine")
    assert guest.run("id -un").strip() == "admin"
    assert int(guest.run("awk '/MemTotal/ {print $2}' /proc/meminfo")) > 256 * 1024


@pytest.mark.slow
def test_stock_cloud_init_takes_the_sandbox_for_ec2_and_ends_without_error(
    boot: Callable[[str], Guest], ec2: Any
) -> None:
    guest = boot("cloud")
    assert "status: done" in guest.run("cloud-init status --wait --long")
    result = json.loads(guest.run("cat /run/cloud-init/result.json"))["v1"]
    assert result["errors"] == []
    assert result["datasource"].startswith("DataSourceEc2")
    assert guest.run("systemctl is-system-running --wait").strip() == "running"
    _assert_sound(guest, ec2)
