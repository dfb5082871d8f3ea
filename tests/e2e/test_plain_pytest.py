"""The shipped checks under plain pytest-testinfra, against a running instance, without amigate's runner."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from amigate.sources.login_key import LoginKey
from amigate.sources.ssh import log_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Account

    from amigate.sandbox import Sandbox

pytestmark = pytest.mark.vm

ROOT = Path(__file__).parents[2]
SSH_CONFIG = "Host *\n  StrictHostKeyChecking no\n  UserKnownHostsFile /dev/null\n  LogLevel ERROR\n"


def key_file(folder: Path) -> tuple[Path, LoginKey]:
    """Make a key pair, its private half in a file as ssh wants it."""
    import paramiko  # noqa: PLC0415 - as the code under test does

    pem = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
    path = folder / "key"
    path.write_bytes(pem)
    path.chmod(0o600)
    private = paramiko.Ed25519Key.from_private_key_file(str(path))
    public = f"{private.get_name()} {private.get_base64()}"
    return path, LoginKey(private=private, public_line=public, fingerprint=private.fingerprint)


@pytest.fixture
def leaky_host(sandbox: Sandbox, ec2: Any, leaky_ami: str, account: Account, tmp_path: Path) -> Iterator[list[str]]:
    """Return pytest's options for a running instance of the leaky image."""
    path, key = key_file(tmp_path)
    (tmp_path / "ssh_config").write_text(SSH_CONFIG)
    ec2.import_key_pair(KeyName="plain", PublicKeyMaterial=key.public_line.encode())
    launched = ec2.run_instances(ImageId=leaky_ami, MinCount=1, MaxCount=1, KeyName="plain", InstanceType="t3.micro")[
        "Instances"
    ][0]["InstanceId"]
    try:
        ec2.get_waiter("instance_running").wait(InstanceIds=[launched], WaiterConfig={"Delay": 1})
        found = ec2.describe_instances(InstanceIds=[launched])["Reservations"][0]["Instances"][0]
        address = found["PublicIpAddress"]
        contact, connection = log_in(
            address,
            sandbox.ssh_port,
            users=["admin"],
            key=key,
            timeout_s=120,
            cancelled=threading.Event(),
            forwarded=True,
        )
        assert connection is not None, contact.detail
        connection.close()
        yield [
            f"--hosts=ssh://admin@{address}:{sandbox.ssh_port}",
            f"--ssh-config={tmp_path / 'ssh_config'}",
            f"--ssh-identity-file={path}",
        ]
    finally:
        ec2.terminate_instances(InstanceIds=[launched])
        ec2.get_waiter("instance_terminated").wait(InstanceIds=[launched], WaiterConfig={"Delay": 1})
        ec2.delete_key_pair(KeyName="plain")


def test_plain_pytest_judges_the_instance_and_says_which_rules_need_more(leaky_host: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "checks/", *leaky_host, "-p", "no:cacheprovider", "-v"],
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    outcomes: dict[str, set[str]] = {"PASSED": set(), "FAILED": set(), "SKIPPED": set(), "ERROR": set()}
    for name, outcome in re.findall(r"::(test_\w+)\S* (PASSED|FAILED|SKIPPED|ERROR)", done.stdout):
        outcomes[outcome].add(name)
    assert done.returncode == 1, done.stdout
    assert "test_no_pending_security_updates" not in outcomes["FAILED"], "the archive has nothing newer"
    assert outcomes["FAILED"] >= {
        "test_no_unexpected_login_users",
        "test_firewall_and_sysctl_hardened",
        "test_no_root_password_login",
        "test_no_password_login",
        "test_no_dns_checks",
        "test_root_has_no_usable_password",
        "test_no_empty_passwords",
        "test_no_usable_password_hash",
        "test_only_launch_key",
    }
    assert outcomes["PASSED"] >= {
        "test_fresh_key_logs_in",
        "test_only_declared_listeners",
        "test_provisioning_finishes_without_error",
        "test_no_keyboard_interactive_login",
        "test_permits_no_empty_passwords",
        "test_match_blocks_evaluated",
        "test_config_parses",
        "test_only_root_has_uid_zero",
        "test_public_key_login_enabled",
        "test_host_key_paths_per_boot",
        "test_no_histories",
        "test_no_other_servers",
        "test_no_user_private_keys",
    }
    assert outcomes["SKIPPED"] >= {
        "test_free_space_clean",
        "test_owned_and_available",
        "test_root_device_is_ebs",
        "test_unencrypted_when_public",
        "test_no_product_codes_when_public",
        "test_not_shared_before_gate",
        "test_passes_status_checks",
        "test_works_with_imdsv2_only",
        "test_survives_reboot",
        "test_without_key_no_password_path",
        "test_offers_no_password_method",
        "test_host_keys_unique_per_launch",
        "test_earlier_launch_key_absent",
        "test_every_volume_inspected",
        "test_no_recoverable_secrets",
        "test_ami_tools_current",
        "test_application_secrets_random",
        "test_can_install_launch_key",
        "test_cloud_init_enabled",
        "test_fallback_key_fetch_sane",
        "test_identities_unique_per_launch",
        "test_no_authorized_keys_at_rest",
        "test_no_aws_credentials",
        "test_no_host_keys_at_rest",
        "test_no_signing_material",
    }
    assert "needs ec2, which one host does not have" in done.stdout
    assert "needs a look at what strangers are offered, which one host does not have" in done.stdout
    assert "needs disk, which one host does not have" in done.stdout
    assert "needs twin, which one host does not have" in done.stdout
    assert "$6$" not in done.stdout + done.stderr
